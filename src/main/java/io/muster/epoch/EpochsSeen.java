// SPDX-License-Identifier: Apache-2.0

package io.muster.epoch;

import io.muster.group.Member;
import io.muster.segment.EpochRecord;
import io.muster.segment.ProofCounts;
import io.muster.segment.RankEntry;
import io.muster.segment.Versioned;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The epochs that this process knows: the working copy in one {@link EpochTransition}.
 *
 * <p>If the last epoch is over, or there was none, and every rank is LIVE, the next epoch follows: it has the next
 * number, and its vector is the LIVE members. Such an epoch is <em>implied</em>: it is open for every process that
 * knows the same entries, without a record. Until a rank of this process has marked it, it changes with the entries.
 * From the first mark on it stays until a record has its number or a greater one, for two reasons: a life marks only
 * one vector per number, and a seat that has marked the epoch must end it when it loses a link or leaves.
 */
final class EpochsSeen {
    private final BarrierSetup setup;
    private @Nullable Versioned<EpochRecord> record;
    private @Nullable EpochRecord implied;

    EpochsSeen(BarrierSetup setup, BarrierState state) {
        this.setup = setup;
        record = state.record();
        implied = state.implied();
    }

    /** The greatest record seen, with the bytes under which it is or was in the store. */
    @Nullable
    Versioned<EpochRecord> record() {
        return record;
    }

    @Nullable
    EpochRecord recorded() {
        return Versioned.valueOf(record);
    }

    @Nullable
    EpochRecord implied() {
        return implied;
    }

    /** The epoch that this process is in: the implied one, or what the record says. */
    @Nullable
    EpochRecord now() {
        return implied == null ? recorded() : implied;
    }

    void record(@Nullable Versioned<EpochRecord> next) {
        record = next;
    }

    /**
     * Derives the implied epoch again. Call it after any change of the record, the entries or the seats.
     *
     * @return whether an epoch of another number is implied now
     */
    boolean follow(Map<Integer, Versioned<RankEntry>> ranks, Map<Integer, LocalMember> seats) {
        EpochRecord recorded = recorded();
        List<Member> vector = isMarked(seats) ? Objects.requireNonNull(implied).vector() : following(ranks, seats);
        EpochRecord former = implied;
        EpochRecord next = vector == null ? null : opened(recorded, vector, seats);
        implied = next != null && next.equals(former) ? former : next; // the former one has computed its digest
        return next != null && (former == null || former.number() != next.number());
    }

    /**
     * The record to write in order to open an epoch, null if there is none to open.
     *
     * @param overdue number of the epoch that is not completed in time, 0: none. An implied epoch is written only then
     */
    @Nullable
    EpochRecord toOpen(Map<Integer, Versioned<RankEntry>> ranks, Map<Integer, LocalMember> seats, long overdue) {
        EpochRecord recorded = recorded();
        if (isOver(recorded)) {
            return implied != null
                            && implied.number() == overdue
                            && implied.vector().equals(following(ranks, seats))
                    ? implied
                    : null;
        }
        List<Member> vector = EpochRules.nextVector(setup, recorded, ranks, seats);
        return vector == null ? null : opened(recorded, vector, seats);
    }

    private boolean isMarked(Map<Integer, LocalMember> seats) {
        EpochRecord known = implied;
        return known != null
                && known.number() == numberAfter(recorded())
                && seats.values().stream().anyMatch(seat -> seat.hasMarked(known));
    }

    private @Nullable List<Member> following(
            Map<Integer, Versioned<RankEntry>> ranks, Map<Integer, LocalMember> seats) {
        return isOver(recorded()) ? EpochRules.nextVector(setup, recorded(), ranks, seats) : null;
    }

    private static boolean isOver(@Nullable EpochRecord recorded) {
        return recorded == null || recorded.state() == EpochRecord.State.DEGRADED;
    }

    private EpochRecord opened(@Nullable EpochRecord before, List<Member> vector, Map<Integer, LocalMember> seats) {
        return new EpochRecord(
                setup.group(),
                numberAfter(before),
                vector,
                EpochRecord.State.OPEN,
                before == null ? 0 : before.lastComplete(),
                before == null
                        ? List.of()
                        : EpochRules.lostBy(
                                before, vector, seats.keySet().iterator().next()),
                ProofCounts.NONE);
    }

    private static long numberAfter(@Nullable EpochRecord before) {
        return before == null ? 1 : before.number() + 1;
    }
}
