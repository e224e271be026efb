// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import io.muster.segment.RankEntry;
import io.muster.transfer.ChannelGeneration;
import org.jspecify.annotations.Nullable;

/** What a link wants done. The shell does it and answers with events. */
public sealed interface LinkEffect {
    /** What a timer is for. A link has one timer: starting one ends the one before. */
    enum Timer {
        OPEN,
        WARMUP,
        BACKOFF,
        PROBE,
        CLOSE
    }

    /** Connect the process pair; answered by ChannelReady or DialFailed with this attempt. */
    record Dial(int attempt, RankEntry peer) implements LinkEffect {}

    /** Look the peer's seat up in this process; answered by LocalReady or DialFailed with this attempt. */
    record OpenLocal(int attempt, int peer) implements LinkEffect {}

    /** Answered by PolicyAnswered with this peer's life and this attempt. */
    record AskPolicy(int attempt, RankEntry peer) implements LinkEffect {}

    /** Clear our slot, then send the link-open with it. */
    record SendOpen(RankEntry peer, int attempt, ChannelGeneration generation, long nonce, WarmupAnswer answer)
            implements LinkEffect {}

    /** Send the accept; unless it is a repetition, clear our slot first. */
    record SendAccept(Session session, boolean repeated) implements LinkEffect {}

    record SendRefuse(LinkMessage.Refuse refuse, ChannelGeneration generation) implements LinkEffect {}

    record SendClose(Session session, String reason) implements LinkEffect {}

    /** Write this value into the peer's slot; answered by WriteApplied or WriteFailed with the session's pair. */
    record WriteSlot(Session session, long value) implements LinkEffect {}

    /** After this delay (with jitter for BACKOFF), TimerFired with this timer and attempt. */
    record StartTimer(Timer timer, int attempt, long delayMs) implements LinkEffect {}

    record StopTimer() implements LinkEffect {}

    /** Release what the policy imported for this link; wait for its transfers; answered by Drained. */
    record Drain(@Nullable Session session) implements LinkEffect {}
}
