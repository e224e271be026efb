// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.netty.buffer.ByteBuf;
import java.util.Random;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * 64 KiB with a checksum. A new bulk connection must carry one in each direction before it is used, because some paths
 * pass small packets only.
 */
final class PathProbe {
    static final int PAYLOAD_BYTES = 64 * 1024;
    static final int BODY_BYTES = 4 + PAYLOAD_BYTES;

    /** Incompressible, and constant: probes differ in their first eight bytes only. */
    private static final byte[] PATTERN = pattern();

    private PathProbe() {}

    private static byte[] pattern() {
        byte[] bytes = new byte[PAYLOAD_BYTES];
        new Random(PAYLOAD_BYTES).nextBytes(bytes);
        return bytes;
    }

    /** The whole frame. */
    static void encode(ByteBuf out, long seed) {
        Frame.head(out, Frame.PROBE, BODY_BYTES);
        int sumAt = out.writerIndex();
        out.writeInt(0);
        int payloadAt = out.writerIndex();
        out.writeBytes(PATTERN);
        out.setLong(payloadAt, seed);
        out.setInt(sumAt, sum(out, sumAt + 4));
    }

    /** A clause that says what is wrong with the body of a probe; null if it is intact. */
    static @Nullable String verify(ByteBuf body) {
        if (body.readableBytes() != BODY_BYTES) {
            return "a path probe of " + body.readableBytes() + " bytes, expected " + BODY_BYTES;
        }
        int expected = body.getInt(body.readerIndex());
        int actual = sum(body, body.readerIndex() + 4);
        return expected == actual
                ? null
                : "a path probe with checksum " + Integer.toHexString(actual) + ", expected "
                        + Integer.toHexString(expected);
    }

    private static int sum(ByteBuf buffer, int index) {
        CRC32C crc = new CRC32C();
        crc.update(buffer.nioBuffer(index, PAYLOAD_BYTES));
        return (int) crc.getValue();
    }
}
