// SPDX-License-Identifier: Apache-2.0

package io.muster.wire;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** A SHA-256 value. */
public record Digest(long a, long b, long c, long d) {
    /**
     * Prototype that is cloned for each use, if the provider supports that: looking the algorithm up takes longer than
     * digesting a hundred bytes.
     */
    private static final MessageDigest FRESH = fresh();

    public static Digest of(byte[] input) {
        try {
            return of((MessageDigest) FRESH.clone(), input);
        } catch (CloneNotSupportedException e) {
            return of(fresh(), input);
        }
    }

    private static Digest of(MessageDigest digest, byte[] input) {
        var hash = ByteBuffer.wrap(digest.digest(input));
        return new Digest(hash.getLong(), hash.getLong(), hash.getLong(), hash.getLong());
    }

    private static MessageDigest fresh() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    @Override
    public String toString() {
        return HexFormat.of().toHexDigits(a);
    }
}
