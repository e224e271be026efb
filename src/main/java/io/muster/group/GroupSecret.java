// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

import java.nio.charset.StandardCharsets;
import java.security.InvalidKeyException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * The secret that the processes of a group share. It signs nothing itself: each use has a key of its own, derived from
 * it, so that a signature for one purpose is not valid for another. It never appears in {@link #toString} or in a
 * message. Immutable.
 */
public final class GroupSecret {
    /** A shorter one could be guessed from its signatures. */
    public static final int MIN_BYTES = 16;

    private static final int MAX_BYTES = 4096;
    private static final int ID_BYTES = 8;

    private final Seal root;
    private final Id id;

    private GroupSecret(byte[] secret) {
        this.root = new Seal(key(secret));
        this.id = new Id(HexFormat.of().formatHex(root.sign(text("muster/1/id")), 0, ID_BYTES));
    }

    /** Identifies a secret without revealing it. */
    public record Id(String hex) {}

    /**
     * A secret from random bytes, such as those of {@code openssl rand -base64 32}.
     *
     * @param secret 16 to 4096 bytes; cloned
     * @throws MusterException of kind CONFIG if there are fewer or more
     */
    public static GroupSecret of(byte[] secret) {
        if (secret.length < MIN_BYTES || secret.length > MAX_BYTES) {
            throw MusterException.config("a group secret must have " + MIN_BYTES + " to " + MAX_BYTES + " bytes, got "
                    + secret.length + ": make one with 'openssl rand -base64 32'");
        }
        return new GroupSecret(secret.clone());
    }

    /**
     * A secret from text; white space around it does not count, so that a line of a file is the same as the text
     * itself.
     *
     * @throws MusterException of kind CONFIG if it is too short or too long
     */
    public static GroupSecret ofText(String text) {
        return of(text.strip().getBytes(StandardCharsets.UTF_8));
    }

    public Id id() {
        return id;
    }

    /**
     * The key for one purpose. Processes with the same secret derive the same key from the same purpose and
     * particulars.
     */
    public Seal seal(String purpose, byte[]... particulars) {
        byte[][] all = new byte[particulars.length + 1][];
        all[0] = text("muster/1/" + purpose);
        System.arraycopy(particulars, 0, all, 1, particulars.length);
        return new Seal(key(root.sign(all)));
    }

    private static SecretKeySpec key(byte[] bytes) {
        return new SecretKeySpec(bytes, Seal.ALGORITHM);
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof GroupSecret that && id.equals(that.id);
    }

    @Override
    public int hashCode() {
        return id.hashCode();
    }

    @Override
    public String toString() {
        return "GroupSecret[not shown]";
    }

    /** A derived key: signs, and checks signatures, with HMAC-SHA-256. May be used by any thread. */
    public static final class Seal {
        /** Length of a signature. */
        public static final int BYTES = 32;

        private static final String ALGORITHM = "HmacSHA256";

        private final SecretKeySpec key;
        /** Never updated: each signature is made by a copy, which is cheaper than to begin with the key. */
        private final Mac blank;

        private Seal(SecretKeySpec key) {
            this.key = key;
            this.blank = begin(key);
        }

        /** Signs the parts, and where each of them ends. */
        public byte[] sign(byte[]... parts) {
            Mac mac = copy();
            for (byte[] part : parts) {
                int length = part.length;
                mac.update(
                        new byte[] {(byte) (length >>> 24), (byte) (length >>> 16), (byte) (length >>> 8), (byte) length
                        });
                mac.update(part);
            }
            return mac.doFinal();
        }

        /** Whether a signature is of these parts; takes as long for a wrong one as for the right one. */
        public boolean verifies(byte[] signature, byte[]... parts) {
            return MessageDigest.isEqual(signature, sign(parts));
        }

        private Mac copy() {
            try {
                return (Mac) blank.clone();
            } catch (CloneNotSupportedException _) { // some provider of an application
                return begin(key);
            }
        }

        private static Mac begin(SecretKeySpec key) {
            try {
                Mac mac = Mac.getInstance(ALGORITHM);
                mac.init(key);
                return mac;
            } catch (NoSuchAlgorithmException | InvalidKeyException e) {
                throw new IllegalStateException("every Java platform has " + ALGORITHM, e);
            }
        }

        @Override
        public String toString() {
            return "Seal[not shown]";
        }
    }
}
