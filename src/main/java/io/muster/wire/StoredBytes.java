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

    private StoredBytes(byte[] bytes, @Nullable String distrust) {
        this.bytes = bytes;
        this.distrust = distrust;
    }

    public static StoredBytes copyOf(byte[] bytes) {
        return new StoredBytes(bytes.clone(), null);
    }

    /** The same bytes marked as unauthorised: they decode to nothing, and equal no trusted bytes. */
    public StoredBytes distrusted(String why) {
        return new StoredBytes(bytes, why);
    }

    /** Why these bytes are rejected; null if they are not. */
    public @Nullable String distrust() {
        return distrust;
    }

    /** The same bytes without the mark, as the store holds them. */
    public StoredBytes plain() {
        return distrust == null ? this : new StoredBytes(bytes, null);
    }

    public byte[] toByteArray() {
        return bytes.clone();
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof StoredBytes that
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
        return bytes.length + " bytes " + HexFormat.of().formatHex(bytes, 0, Math.min(8, bytes.length))
                + (bytes.length > 8 ? "…" : "");
    }
}
