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
 * What a process calls on the barrier of one of its groups, on behalf of other processes. May be called from any
 * context.
 */
public interface BarrierCalls {
    /**
     * Runs something with the core, on its context; nothing before the barrier has started (a rank that joins reads
     * everything) or after.
     */
    void execute(Consumer<GroupCore> task);

    /** Whether the links of this life begin soon, or have begun. */
    boolean claims(Member member);

    /** The greatest epoch record that this process has seen. */
    @Nullable
    EpochRecord epochSeen();

    /** Answers a newcomer that has read this entry. Never fails. */
    Future<SeatEvent.IncumbentAnswered.Answer> asked(RankEntry about, long limitMs);

    /** Which processes this one reaches; for another one that asks. */
    Future<View> view();

    /** The connection to a process has ended, and not because this process wanted it. */
    void processLost(ProcessId process, LossEvidence evidence);
}
