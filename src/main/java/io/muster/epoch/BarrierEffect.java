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

/** What the barrier wants done. */
public sealed interface BarrierEffect {
    /**
     * Each has one timer; starting it again starts it anew. REPUBLISH is to be made random by the shell, up to its
     * delay.
     */
    enum Timer {
        HEDGE,
        RETRY,
        REPUBLISH,
        GATHER,
        OVERDUE,
        KEY_OWNER
    }

    /** Read the record, all rank keys and all marks: at one moment, or the record before the others. */
    record ReadAll() implements BarrierEffect {}

    record WriteRecord(@Nullable StoredBytes expected, Versioned<EpochRecord> next) implements BarrierEffect {}

    record WriteMark(int rank, @Nullable StoredBytes expected, Versioned<ReadyMark> next) implements BarrierEffect {}

    record StartTimer(Timer timer, long delayMs) implements BarrierEffect {}

    /**
     * Tell the processes that this one is connected to what it has just written, so that they need not wait for the
     * store's push.
     *
     * @param isTold the store has told of it by now: whoever is in its cluster need not be told again
     */
    record SpreadRecord(Versioned<EpochRecord> record, boolean isTold) implements BarrierEffect {}

    /**
     * An own mark is made: tell this process, if this one is connected to it.
     *
     * @param to who completes the epoch first, null: all
     * @param again it was told before, to another
     */
    record SpreadMark(Versioned<ReadyMark> mark, @Nullable ProcessId to, boolean again) implements BarrierEffect {}

    /**
     * Ask who owns the keys now: the store does not tell when it moves them. {@link BarrierEvent.KeyOwnerSeen} follows
     * if it is another one.
     */
    record LookForKeyOwner() implements BarrierEffect {}

    /** Everybody in this process who waits for all-connected of this epoch, or an earlier one, is done. */
    record CompleteWaiters(EpochRecord record) implements BarrierEffect {}

    /** To the whole cluster. */
    record PublishAllConnected(EpochRecord record) implements BarrierEffect {}

    /** On this node only, at once, from the evidence on the path. */
    record TellDegraded(long epoch, List<LostMember> lost) implements BarrierEffect {}

    /** To the whole cluster. */
    record PublishDegraded(long epoch, List<LostMember> lost) implements BarrierEffect {}
}
