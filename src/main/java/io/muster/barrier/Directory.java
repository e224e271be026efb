// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.epoch.BarrierSetup;
import io.muster.group.LogEvents;
import io.muster.segment.RankEntry;
import io.muster.segment.Versioned;
import io.muster.wire.Decoded;
import io.muster.wire.StoredBytes;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/** The entries of the ranks that this process knows, and the reasons why a key holds no valid one. */
final class Directory {
    private static final Logger LOG = LoggerFactory.getLogger(Directory.class);

    private final BarrierSetup setup;
    private final StoredValues values;
    private final WorldSizes sizes;
    private final Map<Integer, Versioned<RankEntry>> newest = new HashMap<>();
    /** Greatest entry ever seen of each rank, from the store or a link, kept even if the key has been lost. */
    private final Map<Integer, RankEntry> greatest = new HashMap<>();

    private final Map<Integer, Rejected> rejected = new HashMap<>();
    /** How often the reason for rejecting a key has changed, by rank. */
    private final Map<Integer, Long> rejections = new HashMap<>();

    private final LongSupplier nanoTime;
    /** When the key of a rank began or ceased to hold a LIVE entry, by rank. */
    private final Map<Integer, Long> sinceNanos = new HashMap<>();

    /** How a value changes the known entry of a rank. */
    sealed interface Change {
        record None() implements Change {}

        /** @param isNewMember this life was not known before */
        record Published(RankEntry entry, boolean isNewMember) implements Change {}

        record Rejected(String reason) implements Change {}

        record Vanished(RankEntry before) implements Change {}
    }

    Directory(BarrierSetup setup, StoredValues values, WorldSizes sizes, LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        this.setup = setup;
        this.values = values;
        this.sizes = sizes;
    }

    /** Newest valid entry of each rank. */
    Map<Integer, Versioned<RankEntry>> newest() {
        return newest;
    }

    /** Why the key of a rank holds no valid entry, by rank. */
    Map<Integer, Rejected> rejected() {
        return rejected;
    }

    /** When the key of a rank began or ceased to hold a LIVE entry, null if it has held nothing yet. */
    @Nullable
    Long sinceNanos(int rank) {
        return sinceNanos.get(rank);
    }

    @Nullable
    RankEntry greatest(int rank) {
        return greatest.get(rank);
    }

    Map<Integer, RankEntry> greatest() {
        return greatest;
    }

    /** Decodes the value of a key, unless the same bytes were decoded before. */
    @Nullable
    Versioned<RankEntry> known(int rank, @Nullable StoredBytes stored) {
        Versioned<RankEntry> before = newest.get(rank);
        return before != null && before.bytes().equals(stored) ? before : decode(rank, stored);
    }

    /** Decodes the value of a key, and remembers the reason if it is not a valid entry. */
    @Nullable
    Versioned<RankEntry> decode(int rank, @Nullable StoredBytes bytes) {
        Versioned<RankEntry> seen = Versioned.of(bytes, value -> {
            Decoded<RankEntry> decoded = values.entry(rank, value);
            if (decoded instanceof Decoded.Malformed<RankEntry> || !sizes.isEmpty()) {
                sizes.compare(rank, StoredValues.anyEntry(value));
            }
            if (decoded instanceof Decoded.Malformed<RankEntry>(String reason)) {
                Rejected before = rejected.put(rank, Rejected.of(value, reason));
                if (before == null || !reason.equals(before.reason())) {
                    warn(rank, reason);
                }
            }
            return decoded;
        });
        if (seen == null) {
            sizes.forget(rank);
        }
        if (seen == null || seen.value() != null) {
            rejected.remove(rank);
        }
        return seen;
    }

    /** Warns of the first, second, fourth, eighth… rejection of a rank only: a writer may repeat it without end. */
    private void warn(int rank, String reason) {
        long times = rejections.merge(rank, 1L, Long::sum);
        LOG.atLevel(Long.bitCount(times) == 1 ? Level.WARN : Level.DEBUG)
                .log(
                        LogEvents.ENTRY_REJECTED + " group={} rank={} times={} reason={}",
                        setup.group(),
                        rank,
                        times,
                        reason);
    }

    /** Remembers an entry from the store or from a link: the rank's key must never hold an older life again. */
    void remember(RankEntry entry) {
        greatest.merge(
                entry.member().rank(),
                entry,
                (old, next) -> next.supersedes(old) || isLiveAfterAll(next, old) ? next : old);
    }

    /** Takes the value of a rank's key as the newest one. */
    Change learn(int rank, @Nullable Versioned<RankEntry> seen) {
        boolean wasLive = isLive(rank);
        Change change = take(rank, seen);
        if (isLive(rank) != wasLive || (seen != null && !sinceNanos.containsKey(rank))) {
            sinceNanos.put(rank, nanoTime.getAsLong());
        }
        return change;
    }

    private boolean isLive(int rank) {
        RankEntry entry = Versioned.valueOf(newest.get(rank));
        return entry != null && entry.isLive();
    }

    private Change take(int rank, @Nullable Versioned<RankEntry> seen) {
        RankEntry entry = Versioned.valueOf(seen);
        RankEntry before = Versioned.valueOf(newest.get(rank));
        if (entry != null) {
            remember(entry);
        }
        if (entry == null) {
            newest.remove(rank);
            if (seen != null) {
                Rejected why = rejected.get(rank);
                return new Change.Rejected(why == null ? "not a valid entry" : why.reason());
            }
            return before == null ? new Change.None() : new Change.Vanished(before);
        }
        if (before == null || entry.supersedes(before) || isLiveAfterAll(entry, before)) {
            newest.put(rank, seen);
            return new Change.Published(
                    entry, before == null || !before.member().equals(entry.member()));
        }
        return new Change.None();
    }

    /**
     * Whether the same life is LIVE again after GONE. One half of a split wrote GONE, and the merge dropped it. The
     * owner never saw GONE and does not write again, so LIVE must be accepted against the order of values. Either value
     * is only a hint to the links.
     */
    private static boolean isLiveAfterAll(RankEntry entry, RankEntry before) {
        return entry.isLive()
                && before.state() == RankEntry.State.GONE
                && entry.member().equals(before.member());
    }
}
