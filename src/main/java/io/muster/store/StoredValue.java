// SPDX-License-Identifier: Apache-2.0

package io.muster.store;

import com.hazelcast.nio.serialization.HazelcastSerializationException;
import io.muster.group.Clause;
import io.muster.wire.StoredBytes;
import org.jspecify.annotations.Nullable;

/** Reads a value of the shared map, which any member of the cluster may have written. */
final class StoredValue {
    /** More than the longest entry, mark or record. A longer value is foreign, so it is not copied, hashed or kept. */
    static final int MAX_BYTES = 16 << 20;

    private StoredValue() {}

    static @Nullable StoredBytes bytes(@Nullable Object value) {
        return value == null ? null : bytesOf(value);
    }

    static StoredBytes bytesOf(Object value) {
        if (!(value instanceof byte[] bytes)) {
            return foreign("an object of the class " + value.getClass().getName());
        }
        return bytes.length > MAX_BYTES
                ? foreign(bytes.length + " bytes, more than the " + MAX_BYTES + " that a value of Muster can have")
                : StoredBytes.copyOf(bytes);
    }

    /** A value that cannot be deserialised here. */
    static StoredBytes unreadable(HazelcastSerializationException failure) {
        String why = String.valueOf(failure.getMessage());
        return foreign("a value that cannot be read here (" + Clause.atMost(200, why) + ")");
    }

    private static StoredBytes foreign(String what) {
        return StoredBytes.foreign("value: expected bytes written by Muster, got " + what
                + "; another program writes into this map: find it among the members of the Hazelcast cluster");
    }
}
