// SPDX-License-Identifier: Apache-2.0

package io.muster.epoch;

import io.muster.segment.EpochRecord;
import io.muster.segment.RankEntry;
import io.muster.segment.ReadyMark;
import io.muster.segment.Versioned;
import io.muster.segment.KeyOwner;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the barrier of one group in one process knows.
 *
 * @param seats the ranks that this process holds
 * @param record the greatest epoch record seen, with the bytes under which it is or was in the store
 * @param implied the epoch that is open for this process though no record says so, null if there is none:
 *     {@link EpochsSeen}
 * @param ranks newest value seen of each rank's key, absent ones left out
 * @param marks greatest mark of each rank that was made here, told by its process or read; a mark that is told need not
 *     be in the store
 * @param keyOwner whose member of the store owns the keys, null if that is not known
 */
public record BarrierState(
        Map<Integer, LocalMember> seats,
        @Nullable Versioned<EpochRecord> record,
        @Nullable EpochRecord implied,
        Map<Integer, Versioned<RankEntry>> ranks,
        Map<Integer, Versioned<ReadyMark>> marks,
        @Nullable KeyOwner keyOwner,
        Work work,
        Announced told) {

    public static final BarrierState INITIAL =
            new BarrierState(Map.of(), null, null, Map.of(), Map.of(), null, Work.NONE, new Announced(0, 0, 0, 0));

    /**
     * What is under way. One operation per key at a time, one fresh read at a time.
     *
     * @param readNeeded the store may hold something else than what is known here: read all, the record first
     * @param overdue number of the epoch that should have been completed: its record, if it has none, and its marks are
     *     to be written
     * @param heardWhileWriting the record that was told last since the write to it that is under way began
     * @param hedge what the hedge timer runs for, or has run out for
     * @param news entries that were heard since the read that is under way began: what is read may be older
     */
    public record Work(
            boolean reading,
            boolean readNeeded,
            boolean retrying,
            boolean writingEpoch,
            Set<Integer> writingMarks,
            boolean gathering,
            long overdue,
            @Nullable Versioned<EpochRecord> heardWhileWriting,
            Hedge hedge,
            Map<Integer, Versioned<RankEntry>> news) {
        static final Work NONE = new Work(false, false, false, false, Set.of(), false, 0, null, Hedge.NONE, Map.of());

        public Work {
            writingMarks = Set.copyOf(writingMarks);
        }
    }

    /**
     * The wait of a process that is not the first in turn.
     *
     * @param epoch number of the epoch that was current when it began
     * @param what what is to be done
     */
    public record Hedge(Task what, long epoch, boolean passed) {
        static final Hedge NONE = new Hedge(Task.NONE, 0, false);
    }

    /** What a process can do for an epoch on behalf of all. */
    public enum Task {
        NONE,
        OPEN,
        COMPLETE
    }

    /**
     * What has been told, by epoch number; 0: nothing.
     *
     * @param allConnected greatest COMPLETE epoch that this process's waiters were told of
     * @param degraded greatest epoch whose end was told on this node
     * @param busAllConnected greatest epoch whose all-connected was seen on, or sent to, the cluster's bus
     * @param busDegraded likewise for degraded
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
