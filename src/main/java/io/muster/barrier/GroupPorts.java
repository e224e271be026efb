// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.group.LifeId;
import io.muster.seat.SeatState;
import io.muster.segment.EpochRecord;
import io.muster.segment.LostMember;
import io.muster.segment.RankEntry;
import io.muster.store.SegmentStore;
import io.vertx.core.Future;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The outside world of one group in one process: store, time, randomness, links, network and listener. */
public interface GroupPorts {
    SegmentStore store();

    /** The wall clock in milliseconds, used only for incarnations. */
    long wallClockMs();

    /** A monotonic clock, used only for durations that people read. */
    long nanoTime();

    LifeId newLife();

    /** Runs the task once, after the delay, on the context of the group. */
    void after(long delayMs, Runnable task);

    /** A random delay from 0 to the given one. */
    long randomUpTo(long maxMs);

    Links links();

    /** Its futures may complete on any context: {@link #here} brings them to the group's. */
    Network network();

    /** Brings the outcome to the context of the group. */
    <T> Future<T> here(Future<T> there);

    /** Receives the outcomes of the group, on its context. */
    interface Listener {
        /** A seat's entry is in the store: called before its links are opened, and after each change. */
        void seatPublished(RankEntry entry);

        /** A seat is held, or has published a changed handle. */
        void seatTaken(RankEntry entry);

        /** An epoch has reached a later stage at this process; for measurements. */
        default void epochStage(long epoch, EpochStage.Stage stage) {}

        void seatEnded(int rank, SeatState.End end, String reason);

        /**
         * This process has another world size for the group than a process that joined earlier, so all-connected is
         * impossible.
         */
        default void worldSizesDisagree(String reason) {}

        void allConnected(EpochRecord record);

        void publishAllConnected(EpochRecord record);

        void degradedHere(long epoch, List<LostMember> lost);

        void publishDegraded(long epoch, List<LostMember> lost);

        /** The store does not answer, for this reason; null: it answers again. */
        void storeTrouble(@Nullable String reason);
    }

    Listener listener();
}
