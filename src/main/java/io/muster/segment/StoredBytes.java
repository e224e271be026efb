package io.muster.segment;

import java.util.Arrays;
import java.util.HexFormat;

/** An immutable value of the store, compared by content. */
public final class StoredBytes {
  private final byte[] bytes;

  private StoredBytes(byte[] bytes) {
    this.bytes = bytes;
  }

  public static StoredBytes copyOf(byte[] bytes) {
    return new StoredBytes(bytes.clone());
  }

  public byte[] toByteArray() {
    return bytes.clone();
  }

  public int length() {
    return bytes.length;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof StoredBytes that && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  /** The length and the first bytes: enough to tell values apart in a log. */
  @Override
  public String toString() {
    return bytes.length + " bytes " + HexFormat.of().formatHex(bytes, 0, Math.min(8, bytes.length)) + (bytes.length > 8 ? "…" : "");
  }
}
