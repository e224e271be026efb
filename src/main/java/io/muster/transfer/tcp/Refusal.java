// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.ProcessId;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The answer to a hello that is refused.
 *
 * @param by the process that refuses
 * @param version protocol version of that process
 */
record Refusal(Code code, ProcessId by, int version, String detail) {
    private static final int MAX_DETAIL_BYTES = 512;

    /** The ordinals are part of the protocol: append only. */
    enum Code {
        VERSION,
        LIMITS,
        OTHER_PROCESS,
        /** The refusing process has a dial or a channel of its own, which is to be used. */
        USE_MINE,
        /** A later dial of the same process was accepted already. */
        STALE_DIAL,
        /** The hello of a bulk connection names a channel that is not being opened. */
        UNKNOWN_GENERATION,
        MALFORMED,
        /**
         * The sender has proved no secret that the refusing process knows, or not the one that is needed to replace a
         * channel.
         */
        UNPROVED
    }

    /** The whole frame. */
    void encode(ByteBuf out) {
        byte[] text = detail.getBytes(StandardCharsets.UTF_8);
        int length = Math.min(text.length, MAX_DETAIL_BYTES);
        Frame.head(out, Frame.REFUSE, 1 + 16 + 2 + 2 + length);
        out.writeByte(code.ordinal()).writeLong(by.high()).writeLong(by.low()).writeShort(version);
        out.writeShort(length).writeBytes(text, 0, length);
    }

    /** Null if the bytes are not a valid refusal. */
    static @Nullable Refusal decode(ByteBuf body) {
        if (body.readableBytes() < 21) {
            return null;
        }
        int code = body.readUnsignedByte();
        ProcessId by = new ProcessId(body.readLong(), body.readLong());
        int version = body.readUnsignedShort();
        int length = Math.min(Math.min(body.readUnsignedShort(), MAX_DETAIL_BYTES), body.readableBytes());
        if (code >= Code.values().length) {
            return null;
        }
        return new Refusal(
                Code.values()[code],
                by,
                version,
                body.readCharSequence(length, StandardCharsets.UTF_8).toString());
    }
}
