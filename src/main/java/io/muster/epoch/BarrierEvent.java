// SPDX-License-Identifier: Apache-2.0

package io.muster.epoch;

import io.muster.group.Member;
import io.muster.group.Proof;
import io.muster.segment.EpochRecord;
import io.muster.segment.KeyOwner;
import io.muster.segment.RankEntry;
import io.muster.segment.ReadyMark;
import io.muster.segment.Versioned;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An event of the barrier of a group. */
public sealed interface BarrierEvent {
    /** A rank of this process has its seat. */
    record SeatTaken(Member member) implements BarrierEvent {}

    /** A rank of this process is leaving in order. */
    record SeatLeaving(int rank) implements BarrierEvent {}

    /** A rank of this process has lost or given up its seat. */
    record SeatReleased(int rank) implements BarrierEvent {}

    record LinkConnected(int rank, Member peer, Proof proof) implements BarrierEvent {}

    /** A link has left CONNECTED. */
    record LinkLost(int rank, Member peer, String reason, String evidence) implements BarrierEvent {}

    /** The paths of all links have been proved again: a mark that waited for it may be made. */
    record PathsProved() implements BarrierEvent {}

    /** The value of a rank's key, from the store or from the process that wrote it; null: the key is absent. */
    record RankSeen(int rank, @Nullable Versioned<RankEntry> entry) implements BarrierEvent {}

    record MarkSeen(int rank, @Nullable Versioned<ReadyMark> mark) implements BarrierEvent {}

    record RecordSeen(@Nullable Versioned<EpochRecord> record) implements BarrierEvent {}

    /** The owner of the keys has changed; null: it is not known. */
    record KeyOwnerSeen(@Nullable KeyOwner owner) implements BarrierEvent {}

    /** The greatest epoch and state that another process has seen. */
    record PeerSaw(long number, EpochRecord.State state) implements BarrierEvent {}

    /**
     * Answer to ReadAll. The entries and marks were read at the same time as the record, or after it.
     *
     * @param basis the record
     * @param ranks the rank keys that were present
     * @param marks the marks that were present
     */
    record ReadDone(
            @Nullable Versioned<EpochRecord> basis,
            Map<Integer, Versioned<RankEntry>> ranks,
            Map<Integer, Versioned<ReadyMark>> marks)
            implements BarrierEvent {}

    record ReadFailed() implements BarrierEvent {}

    /** Answer to WriteRecord. */
    record RecordWritten(Versioned<EpochRecord> record, boolean applied) implements BarrierEvent {}

    /** Answer to WriteMark. */
    record MarkWritten(int rank, Versioned<ReadyMark> mark, boolean applied) implements BarrierEvent {}

    record RecordWriteFailed() implements BarrierEvent {}

    record MarkWriteFailed(int rank) implements BarrierEvent {}

    record TimerFired(BarrierEffect.Timer timer) implements BarrierEvent {}

    /** Read the store again, whether or not anything seems missing. */
    record Reconcile() implements BarrierEvent {}

    /** All-connected of this epoch has arrived on the cluster's bus. */
    record AllConnectedReceived(long epoch) implements BarrierEvent {}

    /** Degraded of this epoch has arrived on the cluster's bus. */
    record DegradedReceived(long epoch) implements BarrierEvent {}
}
