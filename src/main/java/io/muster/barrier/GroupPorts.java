// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.seat.SeatEvent;
import io.muster.seat.SeatState;
import io.muster.segment.EpochRecord;
import io.muster.segment.LostMember;
import io.muster.segment.RankEntry;
import io.muster.store.SegmentStore;
import io.vertx.core.Future;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Everything that one group in one process needs from outside: the store, time, chance, the links, and whoever wants to
 * know.
 */
public interface GroupPorts {
    SegmentStore store();

    /** The wall clock, in milliseconds; only for incarnations. */
    long wallClockMs();

    LifeId newLife();

    /** Runs the task once, after the delay, on the context of the group. */
    void after(long delayMs, Runnable task);

    /** A random delay from 0 to the given one. */
    long randomUpTo(long maxMs);

    Links links();

    /** Its futures may complete on any context: {@link #here} brings them to the group's. */
    Network network();

    /** The same outcome, on the context of the group. */
    <T> Future<T> here(Future<T> there);

    record SeatAnswer(SeatEvent.IncumbentAnswered.Answer answer, String detail) {}

    /**
     * What two other processes have said.
     *
     * @param answer what the incumbent has answered one of them, SILENT if it has answered neither
     * @param detail which one reaches it
     */
    record WitnessAnswer(SeatEvent.IncumbentAnswered.Answer answer, String detail) {
        public static final WitnessAnswer NONE = new WitnessAnswer(SeatEvent.IncumbentAnswered.Answer.SILENT, "");
    }

    /** Called for what others want to know. */
    interface Listener {
        /** An entry of this life was seen for the first time. */
        void memberSeen(Member member);

        /** A seat's entry is in the store under these bytes: before its links are opened, and after each change. */
        void seatPublished(RankEntry entry);

        /** A seat is held, or has published a changed handle. */
        void seatTaken(RankEntry entry);

        /** This process has come to know a further stage of an epoch; for whoever measures. */
        default void epochStage(long epoch, EpochStage.Stage stage) {}

        void seatEnded(int rank, SeatState.End end, String reason);

        /**
         * This process has the group with another world size than one that was there before: it can never be
         * all-connected.
         */
        default void worldSizesDisagree(String reason) {}

        void allConnected(EpochRecord record);

        void publishAllConnected(EpochRecord record);

        void degradedHere(long epoch, List<LostMember> lost);

        void publishDegraded(long epoch, List<LostMember> lost);

        /** The store has not answered; null: it answers again. */
        void storeTrouble(@Nullable String reason);
    }

    Listener listener();
}
