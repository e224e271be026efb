// SPDX-License-Identifier: Apache-2.0

package io.muster.epoch;

import io.muster.segment.EpochRecord;
import io.muster.segment.KeyOwner;
import io.muster.segment.RankEntry;
import io.muster.segment.ReadyMark;
import io.muster.segment.Versioned;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The state of the barrier of one group in one process.
 *
 * @param seats the ranks that this process holds
 * @param record the greatest epoch record seen, with the bytes under which it is or was in the store
 * @param implied the epoch that is open for this process without a record, null if there is none: {@link EpochsSeen}
 * @param ranks newest value seen of each rank's key; absent keys are left out
 * @param marks greatest known mark of each rank: made here, received from its process or read from the store. A
 *     received mark need not be in the store
 * @param keyOwner the process whose store member owns the keys, null if that is not known
 * @param announced the outcomes that were announced
 */
public record BarrierState(
        Map<Integer, LocalMember> seats,
        @Nullable Versioned<EpochRecord> record,
        @Nullable EpochRecord implied,
        Map<Integer, Versioned<RankEntry>> ranks,
        Map<Integer, Versioned<ReadyMark>> marks,
        @Nullable KeyOwner keyOwner,
        Work work,
        Announced announced) {

    public static final BarrierState INITIAL =
            new BarrierState(Map.of(), null, null, Map.of(), Map.of(), null, Work.NONE, new Announced(0, 0, 0, 0));

    /**
     * The operations under way: at most one per key, and at most one read of everything.
     *
     * @param readNeeded the store may differ from the known values: read all, the record first
     * @param refused the last write was not applied, because the key held other bytes
     * @param overdue number of an epoch that is not completed in time, 0: none. Its record, if it has none, and its
     *     marks are then written
     * @param seenWhileWriting the last record that arrived since the running write to the record began
     * @param hedge the task that the hedge timer runs for, or has expired for
     * @param news entries that arrived since the running read began: its result may be older
     */
    public record Work(
            boolean reading,
            boolean readNeeded,
            boolean retrying,
            boolean writingEpoch,
            Set<Integer> writingMarks,
            boolean gathering,
            boolean refused,
            long overdue,
            @Nullable Versioned<EpochRecord> seenWhileWriting,
            Hedge hedge,
            Map<Integer, Versioned<RankEntry>> news) {
        static final Work NONE =
                new Work(false, false, false, false, Set.of(), false, false, 0, null, Hedge.NONE, Map.of());

        public Work {
            writingMarks = Set.copyOf(writingMarks);
        }
    }

    /**
     * The wait of a process that others are to act before.
     *
     * @param what the task that it waits for
     * @param epoch number of the epoch that was current when the wait began
     */
    public record Hedge(Task what, long epoch, boolean passed) {
        static final Hedge NONE = new Hedge(Task.NONE, 0, false);
    }

    /** A task that one process does for an epoch on behalf of the group. */
    public enum Task {
        NONE,
        OPEN,
        COMPLETE
    }

    /**
     * The outcomes that were announced, by epoch number; 0: none.
     *
     * @param allConnected greatest COMPLETE epoch for which the waits in this process were completed
     * @param degraded greatest epoch whose end was announced on this node
     * @param busAllConnected greatest epoch whose all-connected arrived on, or was sent to, the cluster's bus
     * @param busDegraded greatest epoch whose degraded arrived on, or was sent to, the cluster's bus
     */
    public record Announced(long allConnected, long degraded, long busAllConnected, long busDegraded) {}

    /** The epoch that this process is in. */
    public @Nullable EpochRecord epoch() {
        return implied == null ? recorded() : implied;
    }

    /** The greatest record seen. */
    public @Nullable EpochRecord recorded() {
        return Versioned.valueOf(record);
    }
}
