// SPDX-License-Identifier: Apache-2.0

package io.muster.ops;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.Comparator;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The last entries of one kind. Any thread adds, at the cost of one counter and one store. A reader that reads while
 * others add may miss the newest entries, but never sees half of one.
 */
final class FlightRing {
    private final AtomicReferenceArray<@Nullable FlightEntry> slots;
    private final AtomicLong count = new AtomicLong();

    /** @param size at least 1 */
    FlightRing(int size) {
        slots = new AtomicReferenceArray<>(size);
    }

    void add(FlightEntry entry) {
        slots.setRelease((int) (count.getAndIncrement() % slots.length()), entry);
    }

    /** The number of entries since the start, and the kept entries, oldest first. */
    JsonObject toJson() {
        long total = count.get();
        JsonArray entries = new JsonArray();
        IntStream.range(0, slots.length())
                .mapToObj(slots::getAcquire)
                .filter(Objects::nonNull)
                .sorted(Comparator.comparingLong(FlightEntry::nanos))
                .forEach(entry -> entries.add(entry.toJson()));
        return new JsonObject().put("recorded", total).put("entries", entries);
    }
}
