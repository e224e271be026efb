package io.muster.segment;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** A SHA-256 value. */
public record Digest(long a, long b, long c, long d) {
  static Digest of(byte[] input) {
    try {
      var hash = java.nio.ByteBuffer.wrap(MessageDigest.getInstance("SHA-256").digest(input));
      return new Digest(hash.getLong(), hash.getLong(), hash.getLong(), hash.getLong());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  @Override
  public String toString() {
    return HexFormat.of().toHexDigits(a);
  }
}
