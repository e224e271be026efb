// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.epoch.BarrierSetup;
import io.muster.group.LogEvents;
import io.muster.seat.SeatEvent.IncumbentAnswered.Answer;
import io.muster.segment.RankEntry;
import io.muster.segment.Schema;
import io.muster.segment.Versioned;
import io.muster.store.SegmentStore;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes the tombstones of lives whose process is gone and cannot write them itself, by compare-and-set on the exact
 * bytes seen. Lives on the group's context.
 */
final class Tombstones {
    private static final Logger LOG = LoggerFactory.getLogger(Tombstones.class);

    private final BarrierSetup setup;
    private final Directory directory;
    private final Ports ports;
    private final Set<Integer> cleaning = new HashSet<>();

    /** The services of the group. */
    interface Ports {
        /** Whether this process holds the life that the entry names, or may hold it. */
        boolean holds(RankEntry entry);

        /** Whether the process of an entry still holds its life. */
        Future<Network.SeatAnswer> ask(RankEntry entry);

        /** Writes a rank's key. The answer is true if it was applied, false if not or if the store did not answer. */
        void write(int rank, @Nullable StoredBytes expected, StoredBytes next, Consumer<Boolean> applied);

        /** A rank's key holds this value now. */
        void rankSeen(int rank, StoredBytes value);
    }

    Tombstones(BarrierSetup setup, Directory directory, Ports ports) {
        this.setup = setup;
        this.directory = directory;
        this.ports = ports;
    }

    /** Marks the LIVE entries of processes that have left the cluster as GONE. */
    void clean(SegmentStore.PresentMembers now) {
        new TreeMap<>(directory.newest()).forEach((rank, seen) -> {
            RankEntry entry = seen.value();
            if (entry != null && entry.isLive() && !isPresent(now, entry) && cleaning.add(rank)) {
                var gone = new RankEntry(
                        entry.group(),
                        entry.worldSize(),
                        entry.member(),
                        RankEntry.State.GONE,
                        entry.revision(),
                        entry.handle());
                write(rank, seen.bytes(), gone, LogEvents.RANK_GONE);
            }
        });
    }

    /**
     * Writes the tombstone of a life whose entry the store has lost. The next life must claim an incarnation above it,
     * since links that have seen the greater one never connect to a smaller one. A process that is still in the cluster
     * restores its own entry, unless it has given the life up. So if an older life has taken the key meanwhile, that
     * process is asked first.
     */
    void restore(SegmentStore.PresentMembers now, int rank, @Nullable Versioned<RankEntry> there) {
        RankEntry known = directory.greatest(rank);
        RankEntry value = Versioned.valueOf(there);
        if (known == null) {
            return;
        }
        boolean isLost = there == null || (value != null && known.member().isNewerThan(value.member()));
        if (!isLost || !cleaning.add(rank)) {
            return;
        }
        if (!mayAssertItself(now, known)) {
            restore(rank, there, known);
        } else if (value == null) {
            cleaning.remove(rank);
        } else {
            ports.ask(known).onComplete(asked -> {
                if (asked.succeeded() && asked.result().answer() == Answer.GONE) {
                    restore(rank, there, known);
                } else {
                    cleaning.remove(rank);
                }
            });
        }
    }

    private void restore(int rank, @Nullable Versioned<RankEntry> there, RankEntry known) {
        RankEntry next = known.with(known.isLive() ? RankEntry.State.GONE : known.state(), known.handle());
        write(rank, Versioned.bytesOf(there), next, LogEvents.RANK_RESTORED);
    }

    private void write(int rank, @Nullable StoredBytes expected, RankEntry entry, String event) {
        StoredBytes next = Schema.encode(entry);
        ports.write(rank, expected, next, applied -> {
            cleaning.remove(rank);
            if (applied) {
                LOG.info(
                        event + " group={} rank={} incarnation={} pid={} host={}",
                        setup.group(),
                        rank,
                        entry.member().incarnation(),
                        entry.handle().pid(),
                        entry.handle().host());
                ports.rankSeen(rank, next);
            }
        });
    }

    /**
     * Whether the life's own process may restore the entry. This process does not restore a claim that one half of a
     * split has seen and that it gave up after the merge.
     */
    private boolean mayAssertItself(SegmentStore.PresentMembers now, RankEntry entry) {
        return entry.handle().process().equals(setup.process()) ? ports.holds(entry) : now.carry(entry.handle());
    }

    private boolean isPresent(SegmentStore.PresentMembers now, RankEntry entry) {
        return entry.handle().process().equals(setup.process()) || now.carry(entry.handle());
    }
}
