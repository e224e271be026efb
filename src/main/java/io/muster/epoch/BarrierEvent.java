// SPDX-License-Identifier: Apache-2.0

package io.muster.epoch;

import io.muster.group.Member;
import io.muster.group.Proof;
import io.muster.segment.EpochRecord;
import io.muster.segment.RankEntry;
import io.muster.segment.ReadyMark;
import io.muster.segment.Versioned;
import io.muster.segment.KeyOwner;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What can happen to the barrier of a group. */
public sealed interface BarrierEvent {
    /** A rank of this process has its seat. */
    record SeatTaken(Member member) implements BarrierEvent {}

    /** A rank of this process is leaving by its own will. */
    record SeatLeaving(int rank) implements BarrierEvent {}

    /** A rank of this process has no seat any more. */
    record SeatReleased(int rank) implements BarrierEvent {}

    record LinkConnected(int rank, Member peer, Proof proof) implements BarrierEvent {}

    /** A link has left CONNECTED. */
    record LinkLost(int rank, Member peer, String reason, String evidence) implements BarrierEvent {}

    /** The store, or the process that wrote it, says what a rank's key holds; null: nothing. */
    record RankSeen(int rank, @Nullable Versioned<RankEntry> entry) implements BarrierEvent {}

    record MarkSeen(int rank, @Nullable Versioned<ReadyMark> mark) implements BarrierEvent {}

    record RecordSeen(@Nullable Versioned<EpochRecord> record) implements BarrierEvent {}

    /** Whose member of the store owns the keys has changed, or is not known any more (null). */
    record KeyOwnerSeen(@Nullable KeyOwner owner) implements BarrierEvent {}

    /** Another process says that it has seen this much. */
    record PeerSaw(long number, EpochRecord.State state) implements BarrierEvent {}

    /**
     * Answer to ReadAll: everything that was present, read when the record that it is based on was in the store, or
     * after that.
     *
     * @param basis the record
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

    /** Look at the store again, whether or not anything seems missing. */
    record Reconcile() implements BarrierEvent {}

    /** All-connected of this epoch was seen on the cluster's bus. */
    record AllConnectedHeard(long epoch) implements BarrierEvent {}

    /** Degraded of this epoch was seen on the cluster's bus. */
    record DegradedHeard(long epoch) implements BarrierEvent {}
}
