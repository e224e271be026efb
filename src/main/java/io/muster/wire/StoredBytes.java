// SPDX-License-Identifier: Apache-2.0

package io.muster.wire;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** An immutable value of the store, compared by content. */
public final class StoredBytes {
    private final byte[] bytes;
    /** Why these bytes are rejected whatever they contain; null if they are not. */
    private final @Nullable String distrust;
    /** Stands for a value that is no bytes of Muster, so there are no bytes to compare with. */
    private final boolean foreign;

    private StoredBytes(byte[] bytes, @Nullable String distrust, boolean foreign) {
        this.bytes = bytes;
        this.distrust = distrust;
        this.foreign = foreign;
    }

    public static StoredBytes copyOf(byte[] bytes) {
        return new StoredBytes(bytes.clone(), null, false);
    }

    /**
     * Stands for a value that no process of Muster has written: an object that is no bytes, one of a class that nobody
     * has here, or bytes that are too long. It decodes to nothing. As the expected value of a compare-and-set it means
     * any such value.
     *
     * @param what the reason why it is rejected
     */
    public static StoredBytes foreign(String what) {
        return new StoredBytes(new byte[0], what, true);
    }

    /** Whether this stands for a value that no process of Muster has written. */
    public boolean isForeign() {
        return foreign;
    }

    /** The same bytes marked as unauthorised: they decode to nothing, and equal no trusted bytes. */
    public StoredBytes distrusted(String why) {
        return new StoredBytes(bytes, why, false);
    }

    /** Why these bytes are rejected; null if they are not. */
    public @Nullable String distrust() {
        return distrust;
    }

    /** The same bytes without the mark, as the store holds them. */
    public StoredBytes plain() {
        return distrust == null || foreign ? this : new StoredBytes(bytes, null, false);
    }

    public byte[] toByteArray() {
        return bytes.clone();
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof StoredBytes that
                && foreign == that.foreign
                && Arrays.equals(bytes, that.bytes)
                && Objects.equals(distrust, that.distrust);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    /** The length and the first bytes: enough to tell values apart in a log. */
    @Override
    public String toString() {
        return foreign
                ? "foreign: " + distrust
                : bytes.length + " bytes " + HexFormat.of().formatHex(bytes, 0, Math.min(8, bytes.length))
                        + (bytes.length > 8 ? "…" : "");
    }
}
