// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.group.Member;
import io.muster.segment.EpochRecord;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Measures on this process's clock how long the group was not all-connected before an epoch. An epoch that follows a
 * complete one counts from the loss or change that ended that one. The first epoch, and any epoch at a process that did
 * not see the end of the one before, counts from when the newest of its members was first seen.
 */
final class EpochClock {
    private final LongSupplier nanoTime;
    private final Map<Member, Long> firstSeen = new HashMap<>();
    /** The epoch whose end was seen last, and when; 0: none since the last complete epoch. */
    private long ended;

    private long endedNanos;
    /** The epoch that was measured last, and the result: all events of one epoch give the same number. */
    private long measured;

    private long measuredMs;
    private long reached;
    private long reachedNanos;

    EpochClock(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    void seen(Member member) {
        firstSeen.putIfAbsent(member, nanoTime.getAsLong());
    }

    /** A complete epoch has ended. Only the first call for it counts. */
    void ended(long epoch) {
        if (epoch > ended && epoch >= measured) {
            ended = epoch;
            endedNanos = nanoTime.getAsLong();
        }
    }

    /** An epoch has this number now. */
    void reached(long epoch) {
        if (epoch > reached) {
            reached = epoch;
            reachedNanos = nanoTime.getAsLong();
        }
    }

    /** When the current number was reached here. */
    long reachedNanos() {
        return reachedNanos;
    }

    /** How long the group was not all-connected before this epoch, which is complete now. */
    long elapsedMs(EpochRecord complete) {
        if (complete.number() != measured) {
            firstSeen.keySet().retainAll(complete.vector());
            long now = nanoTime.getAsLong();
            long from = ended > 0 && ended < complete.number()
                    ? endedNanos
                    : firstSeen.values().stream()
                            .reduce((one, other) -> one - other > 0 ? one : other)
                            .orElse(now);
            measured = complete.number();
            measuredMs = (now - from) / 1_000_000;
            ended = 0;
        }
        return measuredMs;
    }
}
