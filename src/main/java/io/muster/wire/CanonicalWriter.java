// SPDX-License-Identifier: Apache-2.0

package io.muster.wire;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Writes the canonical binary form: big-endian numbers, length-prefixed UTF-8, optional fields only after a flag. Equal
 * values give equal bytes, so bytes can be compared and signed.
 */
public final class CanonicalWriter {
    private static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    private byte[] buffer = new byte[256];
    private int length;

    public CanonicalWriter u8(int value) {
        int at = room(1);
        buffer[at] = (byte) value;
        return this;
    }

    public CanonicalWriter u16(int value) {
        int at = room(Short.BYTES);
        SHORT.set(buffer, at, (short) value);
        return this;
    }

    public CanonicalWriter i32(int value) {
        int at = room(Integer.BYTES);
        INT.set(buffer, at, value);
        return this;
    }

    public CanonicalWriter i64(long value) {
        int at = room(Long.BYTES);
        LONG.set(buffer, at, value);
        return this;
    }

    private CanonicalWriter raw(byte[] value) {
        int at = room(value.length);
        System.arraycopy(value, 0, buffer, at, value.length);
        return this;
    }

    /** Reserves space for the next bytes and returns its position. */
    private int room(int bytes) {
        int at = length;
        length = Math.addExact(at, bytes);
        if (length > buffer.length) {
            buffer =
                    Arrays.copyOf(buffer, Math.max(length, (int) Math.min(Integer.MAX_VALUE - 8L, 2L * buffer.length)));
        }
        return at;
    }

    public CanonicalWriter flag(boolean value) {
        return u8(value ? 1 : 0);
    }

    /** At most 65,535 bytes of UTF-8. */
    public CanonicalWriter text(String value) {
        return bytes(value.getBytes(StandardCharsets.UTF_8));
    }

    /** At most 65,535 bytes. */
    public CanonicalWriter bytes(byte[] value) {
        if (value.length > 0xFFFF) {
            throw new IllegalArgumentException("field of " + value.length + " bytes, at most 65535 fit");
        }
        return u16(value.length).raw(value);
    }

    /** A field that may be longer than 65,535 bytes; only the reader's limit bounds it. */
    public CanonicalWriter longBytes(byte[] value) {
        return i32(value.length).raw(value);
    }

    public byte[] toByteArray() {
        return Arrays.copyOf(buffer, length);
    }
}
