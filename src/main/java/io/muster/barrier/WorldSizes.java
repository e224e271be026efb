// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.epoch.BarrierSetup;
import io.muster.group.HostPort;
import io.muster.group.Member;
import io.muster.seat.SeatState;
import io.muster.segment.RankEntry;
import io.muster.store.StoreKeys;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** Finds living processes that have another world size for the group: neither side can ever be all-connected. */
final class WorldSizes {
    /** Minimum number of rank keys to read, so that the larger world of another process is seen. */
    private static final int LOOK_AROUND = 64;

    private final BarrierSetup setup;
    private final GroupPorts ports;
    private final StoreKeys keys;
    private final Map<Integer, SeatState> seats;
    /** Entries of such processes, by rank; ranks outside ours included. */
    private final Map<Integer, RankEntry> others = new TreeMap<>();

    WorldSizes(BarrierSetup setup, GroupPorts ports, Map<Integer, SeatState> seats) {
        this.setup = setup;
        this.ports = ports;
        this.keys = new StoreKeys(setup.group());
        this.seats = seats;
    }

    /**
     * Reads the entries and compares their world sizes. Call it before the first rank of this process is claimed.
     *
     * @param read receives the values that were read, if all sizes agree
     * @return a sentence that names a process with another size, or null. Also null if the store does not answer: the
     *     disagreement is then found later
     */
    Future<@Nullable String> disagreement(BiConsumer<String, StoredBytes> read) {
        return ports.store()
                .getAll(keys.ranks(Math.max(2 * setup.worldSize(), LOOK_AROUND)))
                .map(values -> {
                    values.forEach((key, value) -> keys.parse(key, Member.MAX_WORLD_SIZE)
                            .ifPresent(parsed -> {
                                RankEntry entry = StoredValues.anyEntry(value);
                                if (parsed instanceof StoreKeys.Key.Rank(int rank) && entry != null) {
                                    compare(rank, entry);
                                }
                            }));
                    if (others.isEmpty()) {
                        values.forEach(read);
                        return null;
                    }
                    return sentence(others.values().iterator().next());
                })
                .otherwise((String) null);
    }

    /** A sentence about the process with another world size that holds this rank's key, null if there is none. */
    @Nullable
    String disagreementAt(int rank) {
        RankEntry other = others.get(rank);
        return other == null ? null : sentence(other);
    }

    private String sentence(RankEntry other) {
        return "world sizes disagree: group " + setup.group() + " has " + other.worldSize() + " ranks in pid "
                + other.handle().pid() + " at "
                + HostPort.text(other.handle().host(), other.handle().port()) + " (rank "
                + other.member().rank() + "), and " + setup.worldSize()
                + " here; start all ranks with the same world size";
    }

    boolean isEmpty() {
        return others.isEmpty();
    }

    void forget(int rank) {
        others.remove(rank);
    }

    /** Records an entry with another world size. Of two processes that disagree, the one that started later fails. */
    void compare(int rank, @Nullable RankEntry entry) {
        if (entry == null
                || entry.worldSize() == setup.worldSize()
                || !entry.isLive()
                || !entry.group().equals(setup.group())
                || entry.member().rank() != rank
                || !isPresent(entry)) {
            others.remove(rank);
            return;
        }
        others.put(rank, entry);
        if (seats.values().stream()
                .anyMatch(seat -> seat instanceof SeatState.Held held && isLater(held.member(), entry.member()))) {
            ports.listener().worldSizesDisagree(sentence(entry));
        }
    }

    private boolean isPresent(RankEntry entry) {
        return entry.handle().process().equals(setup.process())
                || ports.store().presentMembers().carry(entry.handle());
    }

    private static boolean isLater(Member one, Member other) {
        return one.incarnation() != other.incarnation()
                ? one.incarnation() > other.incarnation()
                : one.rank() > other.rank();
    }
}
