package io.muster.segment;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Writes the canonical binary schema: big-endian numbers, length-prefixed UTF-8, nothing optional without a flag. Equal values give equal
 * bytes, so that bytes can be compared and signed.
 */
public final class CanonicalWriter {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream(256);

  public CanonicalWriter u8(int value) {
    out.write(value);
    return this;
  }

  public CanonicalWriter u16(int value) {
    out.write(value >>> 8);
    out.write(value);
    return this;
  }

  public CanonicalWriter i32(int value) {
    return u16(value >>> 16).u16(value);
  }

  public CanonicalWriter i64(long value) {
    return i32((int) (value >>> 32)).i32((int) value);
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
    u16(value.length);
    out.writeBytes(value);
    return this;
  }

  /** A field that may be longer than 65,535 bytes; the reader's limit is its only one. */
  public CanonicalWriter longBytes(byte[] value) {
    i32(value.length);
    out.writeBytes(value);
    return this;
  }

  public byte[] toByteArray() {
    return out.toByteArray();
  }
}
