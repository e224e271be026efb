// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

/**
 * Decides whether a peer has been silent for the liveness limit (P-9). A peer is not accused of the delays of this
 * process:
 *
 * <ul>
 *   <li>The delay of this process's own tick is subtracted from the silence. A busy event loop neither accuses a peer
 *       that has answered in time, nor fails to detect one that has not.
 *   <li>If the tick was late by the whole limit, this process was stopped. The window starts anew.
 *   <li>The tick that finds the limit exceeded only suspects the peer. {@link #confirm} decides a little later, after
 *       the bytes that had arrived meanwhile were read.
 * </ul>
 *
 * For one event loop. Time is an argument.
 */
public final class LivenessWindow {
    /** The result of a tick. */
    public sealed interface Verdict {
        record Alive() implements Verdict {}

        /** The tick of this process was late by the whole limit: the window starts anew. */
        record Restarted(long lateMs) implements Verdict {}

        /** Nothing was received for the limit: call {@link #confirm} after this time. */
        record Suspect(long confirmAfterMs) implements Verdict {}

        record Silent(long silentMs) implements Verdict {}
    }

    private static final Verdict ALIVE = new Verdict.Alive();

    private final long intervalNanos;
    private final long limitNanos;
    private long lastReceivedNanos;
    private long lastTickNanos;

    public LivenessWindow(long intervalMs, int misses, long nowNanos) {
        this.intervalNanos = intervalMs * 1_000_000;
        this.limitNanos = misses * intervalNanos;
        this.lastReceivedNanos = nowNanos;
        this.lastTickNanos = nowNanos;
    }

    /** Bytes of the peer have arrived. */
    public void received(long nowNanos) {
        lastReceivedNanos = nowNanos;
    }

    /** To be called once per interval. */
    public Verdict tick(long nowNanos) {
        long lateNanos = nowNanos - lastTickNanos - intervalNanos;
        lastTickNanos = nowNanos;
        if (lateNanos >= limitNanos) {
            lastReceivedNanos = nowNanos;
            return new Verdict.Restarted(lateNanos / 1_000_000);
        }
        lastReceivedNanos = Math.min(nowNanos, lastReceivedNanos + Math.max(0, lateNanos));
        return nowNanos - lastReceivedNanos >= limitNanos
                ? new Verdict.Suspect(Math.max(1, intervalNanos / 4_000_000))
                : ALIVE;
    }

    /** To be called after a suspicion, once all bytes that had arrived were read. */
    public Verdict confirm(long nowNanos) {
        long silentNanos = nowNanos - lastReceivedNanos;
        return silentNanos >= limitNanos ? new Verdict.Silent(silentNanos / 1_000_000) : ALIVE;
    }
}
