// SPDX-License-Identifier: Apache-2.0

package io.muster.store;

import io.muster.wire.StoredBytes;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Reads a value of the shared map, which any member of the cluster may have written. */
final class StoredValue {
    private StoredValue() {}

    static @Nullable StoredBytes bytes(@Nullable Object value) {
        return value == null ? null : bytesOf(value);
    }

    static StoredBytes bytesOf(Object value) {
        return value instanceof byte[] bytes
                ? StoredBytes.copyOf(bytes)
                : undecodable(value.getClass().getName());
    }

    /**
     * Stands for a value that was not written by a process of Muster: bytes that no decoder accepts, so the reader
     * rejects this key with a reason.
     */
    static StoredBytes undecodable(String what) {
        return StoredBytes.copyOf(("not bytes: " + what).getBytes(StandardCharsets.UTF_8));
    }
}
