// SPDX-License-Identifier: Apache-2.0

package io.muster.epoch;

import io.muster.segment.RankEntry;
import io.muster.segment.ReadyMark;
import io.muster.segment.Versioned;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The known rank keys and marks: the working copy in one {@link EpochTransition}. Copy-on-write, since most events
 * change nothing.
 */
final class KeysSeen {
    private Map<Integer, Versioned<RankEntry>> ranks;
    private Map<Integer, Versioned<ReadyMark>> marks;
    private Map<Integer, Versioned<RankEntry>> rankNews;

    KeysSeen(BarrierState state) {
        ranks = state.ranks();
        marks = state.marks();
        rankNews = state.work().news();
    }

    Map<Integer, Versioned<RankEntry>> ranks() {
        return ranks;
    }

    Map<Integer, Versioned<ReadyMark>> marks() {
        return marks;
    }

    Map<Integer, Versioned<RankEntry>> news() {
        return rankNews;
    }

    /** @return false if a known key is absent now, so that the store has to be read */
    boolean rankSeen(int rank, @Nullable Versioned<RankEntry> seen, boolean reading) {
        RankEntry known = Versioned.valueOf(ranks.get(rank));
        RankEntry value = Versioned.valueOf(seen);
        if (seen != null && value != null && (known == null || !known.supersedes(value))) {
            ranks = with(ranks, rank, seen);
            rankNews = reading ? with(rankNews, rank, seen) : rankNews;
        } else if (value == null && ranks.containsKey(rank)) {
            ranks = new HashMap<>(ranks);
            ranks.remove(rank);
            return false;
        }
        return true;
    }

    void markSeen(int rank, @Nullable Versioned<ReadyMark> seen) {
        ReadyMark known = Versioned.valueOf(marks.get(rank));
        ReadyMark value = Versioned.valueOf(seen);
        if (seen != null && value != null && (known == null || !known.supersedes(value)) && !value.equals(known)) {
            marks = with(marks, rank, seen);
        }
    }

    private static <T> Map<Integer, Versioned<T>> with(Map<Integer, Versioned<T>> map, int rank, Versioned<T> seen) {
        Map<Integer, Versioned<T>> next = new HashMap<>(map);
        next.put(rank, seen);
        return next;
    }

    void readBegins() {
        rankNews = Map.of();
    }

    /** Replaces the entries only. A mark is never withdrawn, so received marks stay even if the store lacks them. */
    void read(BarrierEvent.ReadDone done) {
        ranks = new HashMap<>(done.ranks());
    }

    /**
     * Restores the entries that arrived during the read and are newer than those read: they will not arrive again.
     * Decisions are made before, from the entries that were read.
     */
    void keepNews() {
        rankNews.forEach((rank, arrived) -> {
            RankEntry there = Versioned.valueOf(ranks.get(rank));
            if (there == null || Objects.requireNonNull(arrived.value()).supersedes(there)) {
                ranks.put(rank, arrived);
            }
        });
        readBegins();
    }
}
