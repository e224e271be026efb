// SPDX-License-Identifier: Apache-2.0

package io.muster.segment;

import io.muster.wire.Decoded;
import io.muster.wire.StoredBytes;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The content of a key: its exact bytes, for a compare-and-set, and their meaning.
 *
 * @param value null if the bytes are no valid value of this key
 */
public record Versioned<T>(StoredBytes bytes, @Nullable T value) {

    /** Null if the key is absent. */
    public static <T> @Nullable Versioned<T> of(
            @Nullable StoredBytes bytes, Function<StoredBytes, Decoded<T>> decoder) {
        if (bytes == null) {
            return null;
        }
        return switch (decoder.apply(bytes)) {
            case Decoded.Valid<T>(T value) -> new Versioned<>(bytes, value);
            case Decoded.Malformed<T> _ -> new Versioned<>(bytes, null);
        };
    }

    public static <T> @Nullable T valueOf(@Nullable Versioned<T> seen) {
        return seen == null ? null : seen.value();
    }

    public static @Nullable StoredBytes bytesOf(@Nullable Versioned<?> seen) {
        return seen == null ? null : seen.bytes();
    }
}
