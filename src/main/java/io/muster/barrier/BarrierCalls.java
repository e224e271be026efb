// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.blame.View;
import io.muster.group.Member;
import io.muster.group.ProcessId;
import io.muster.seat.SeatEvent;
import io.muster.segment.EpochRecord;
import io.muster.segment.RankEntry;
import io.muster.transfer.LossEvidence;
import io.vertx.core.Future;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The calls that a process makes on the barrier of one of its groups, on behalf of other processes. May be called from
 * any context.
 */
public interface BarrierCalls {
    /**
     * Runs a task with the core, on its context. Does nothing before the barrier has started, since a rank that joins
     * reads everything, and nothing after it has stopped.
     */
    void execute(Consumer<GroupCore> task);

    /**
     * Whether the claim of this life is being written or has been applied, so that its links begin soon or have begun.
     */
    boolean claims(Member member);

    /** The greatest epoch record that this process has seen. */
    @Nullable
    EpochRecord epochSeen();

    /** Answers a newcomer that has read this entry of a rank. Never fails. */
    Future<SeatEvent.IncumbentAnswered.Answer> asked(RankEntry about, long limitMs);

    /** The processes that this one reaches, for another process that asks. */
    Future<View> view();

    /** The connection to a process has ended, and this process did not close it. */
    void processLost(ProcessId process, LossEvidence evidence);

    /** A channel to a process has ended before it was open. */
    void notOpened(ProcessId process, LossEvidence evidence);
}
