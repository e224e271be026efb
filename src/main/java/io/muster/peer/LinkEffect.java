// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import io.muster.segment.RankEntry;
import io.muster.transfer.ChannelGeneration;
import org.jspecify.annotations.Nullable;

/** An action that the machine asks for. The shell runs it and answers with events. */
public sealed interface LinkEffect {
    /** Purpose of a timer. A link has one timer: starting it again replaces the running one. */
    enum Timer {
        OPEN,
        WARMUP,
        BACKOFF,
        PROBE,
        CLOSE
    }

    /** Connect the process pair; answered by ChannelReady or DialFailed with this attempt. */
    record Dial(int attempt, RankEntry peer) implements LinkEffect {}

    /** Look up the peer's seat in this process; answered by LocalReady or DialFailed with this attempt. */
    record OpenLocal(int attempt, int peer) implements LinkEffect {}

    /** Ask the warmup policy; answered by PolicyAnswered with this peer's life and this attempt. */
    record AskPolicy(int attempt, RankEntry peer) implements LinkEffect {}

    /** Clear the own slot, then send the link-open with it. */
    record SendOpen(RankEntry peer, int attempt, ChannelGeneration generation, long nonce, WarmupAnswer answer)
            implements LinkEffect {}

    /** Send the accept. Clear the own slot first, unless the accept is a repetition. */
    record SendAccept(Session session, boolean repeated) implements LinkEffect {}

    record SendRefuse(LinkMessage.Refuse refuse, ChannelGeneration generation) implements LinkEffect {}

    record SendClose(Session session, String reason) implements LinkEffect {}

    /** Write this value into the peer's slot; answered by WriteApplied or WriteFailed with the session's pair. */
    record WriteSlot(Session session, long value) implements LinkEffect {}

    /** Send TimerFired with this timer and attempt after this delay. BACKOFF adds jitter. */
    record StartTimer(Timer timer, int attempt, long delayMs) implements LinkEffect {}

    record StopTimer() implements LinkEffect {}

    /** Release imports of the policy for this link and wait for its transfers; answered by Drained. */
    record Drain(@Nullable Session session) implements LinkEffect {}
}
