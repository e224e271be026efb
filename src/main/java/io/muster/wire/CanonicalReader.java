// SPDX-License-Identifier: Apache-2.0

package io.muster.wire;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Reads what {@link CanonicalWriter} wrote. The bytes may come from any sender, so every read is checked and fails with
 * a {@link MalformedException} that names the field.
 */
public final class CanonicalReader {
    private final ByteBuffer in;

    public CanonicalReader(byte[] bytes) {
        in = ByteBuffer.wrap(bytes);
    }

    /** Says what was expected and what was found. It has no stack trace, because malformed input is ordinary input. */
    public static final class MalformedException extends Exception {
        private static final long serialVersionUID = 1L;

        public MalformedException(String message) {
            super(message, null, false, false);
        }
    }

    public int u8(String field) throws MalformedException {
        need(field, 1);
        return in.get() & 0xFF;
    }

    public int u16(String field) throws MalformedException {
        need(field, 2);
        return in.getShort() & 0xFFFF;
    }

    public int i32(String field) throws MalformedException {
        need(field, 4);
        return in.getInt();
    }

    public long i64(String field) throws MalformedException {
        need(field, 8);
        return in.getLong();
    }

    /** A number from 0 to max. */
    public int bounded(String field, int max) throws MalformedException {
        int value = i32(field);
        if (value < 0 || value > max) {
            throw new MalformedException(field + ": expected 0.." + max + ", got " + value);
        }
        return value;
    }

    public boolean flag(String field) throws MalformedException {
        int value = u8(field);
        if (value > 1) {
            throw new MalformedException(field + ": expected 0 or 1, got " + value);
        }
        return value == 1;
    }

    public String text(String field, int maxBytes) throws MalformedException {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes(field, maxBytes)))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new MalformedException(field + ": not UTF-8");
        }
    }

    public byte[] bytes(String field, int maxBytes) throws MalformedException {
        return bytes(field, u16(field), maxBytes);
    }

    /** Reads what {@link CanonicalWriter#longBytes} wrote. */
    public byte[] longBytes(String field, int maxBytes) throws MalformedException {
        return bytes(field, i32(field), maxBytes);
    }

    private byte[] bytes(String field, int length, int maxBytes) throws MalformedException {
        if (length < 0 || length > maxBytes) {
            throw new MalformedException(field + ": expected at most " + maxBytes + " bytes, got " + length);
        }
        need(field, length);
        byte[] value = new byte[length];
        in.get(value);
        return value;
    }

    public <E extends Enum<E>> E constant(String field, E[] values) throws MalformedException {
        int ordinal = u8(field);
        if (ordinal >= values.length) {
            throw new MalformedException(field + ": expected 0.." + (values.length - 1) + ", got " + ordinal);
        }
        return values[ordinal];
    }

    /** All remaining bytes. */
    public byte[] rest() {
        byte[] value = new byte[in.remaining()];
        in.get(value);
        return value;
    }

    public void end() throws MalformedException {
        if (in.hasRemaining()) {
            throw new MalformedException(in.remaining() + " bytes too many");
        }
    }

    private void need(String field, int bytes) throws MalformedException {
        if (in.remaining() < bytes) {
            throw new MalformedException(field + ": expected " + bytes + " more bytes, got " + in.remaining());
        }
    }
}
