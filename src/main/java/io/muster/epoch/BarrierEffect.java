// SPDX-License-Identifier: Apache-2.0

package io.muster.epoch;

import io.muster.group.ProcessId;
import io.muster.segment.EpochRecord;
import io.muster.segment.LostMember;
import io.muster.segment.ReadyMark;
import io.muster.segment.Versioned;
import io.muster.wire.StoredBytes;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An effect of the barrier, to be run by its shell. */
public sealed interface BarrierEffect {
    /** There is one timer of each kind; starting it again restarts it. The shell picks REPUBLISH's delay at random. */
    enum Timer {
        HEDGE,
        RETRY,
        REPUBLISH,
        GATHER,
        OVERDUE,
        KEY_OWNER
    }

    /** Read the record, all rank keys and all marks: at one moment, or the record before the other keys. */
    record ReadAll() implements BarrierEffect {}

    record WriteRecord(@Nullable StoredBytes expected, Versioned<EpochRecord> next) implements BarrierEffect {}

    record WriteMark(int rank, @Nullable StoredBytes expected, Versioned<ReadyMark> next) implements BarrierEffect {}

    record StartTimer(Timer timer, long delayMs) implements BarrierEffect {}

    /**
     * Send the record that was just written to all connected processes, so that they need not wait for the store's
     * push.
     *
     * @param isPushed the store's push of this record has arrived here, so members of its cluster need no second copy
     */
    record BroadcastRecord(Versioned<EpochRecord> record, boolean isPushed) implements BarrierEffect {}

    /**
     * Send a mark that this process has made.
     *
     * @param to the process that should complete the epoch; null: all connected processes
     * @param again the mark was sent before, to another process
     */
    record SendMark(Versioned<ReadyMark> mark, @Nullable ProcessId to, boolean again) implements BarrierEffect {}

    /**
     * Look up the owner of the keys: the store sends no event when it moves them. {@link BarrierEvent.KeyOwnerSeen}
     * follows if the owner has changed.
     */
    record LookForKeyOwner() implements BarrierEffect {}

    /** Complete every wait in this process for all-connected of this epoch or an earlier one. */
    record CompleteWaiters(EpochRecord record) implements BarrierEffect {}

    /** Publish to the whole cluster. */
    record PublishAllConnected(EpochRecord record) implements BarrierEffect {}

    /** Announce the end of an epoch on this node only, at once, from the evidence on the path. */
    record AnnounceDegraded(long epoch, List<LostMember> lost) implements BarrierEffect {}

    /** Publish to the whole cluster. */
    record PublishDegraded(long epoch, List<LostMember> lost) implements BarrierEffect {}
}
