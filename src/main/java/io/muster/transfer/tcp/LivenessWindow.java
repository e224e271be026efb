// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

/**
 * How long the other end has been silent, told fairly (P-9). Time that this process has not had itself does not count:
 * what its own tick comes late by is taken off, so that a busy event loop neither accuses nor never finds out; and one
 * that was stopped for as long as the limit starts its window anew. Even then nobody is accused by the tick that finds
 * the silence, but by a {@link #confirm} a little later: what has arrived meanwhile is read first. For one event loop;
 * time is an argument.
 */
public final class LivenessWindow {
    /** What a tick says. */
    public sealed interface Verdict {
        record Alive() implements Verdict {}

        /** Our own tick came this much too late: nobody is accused. */
        record Restarted(long lateMs) implements Verdict {}

        /** Nothing was heard for the limit: ask {@link #confirm} after this time. */
        record Suspect(long confirmAfterMs) implements Verdict {}

        record Silent(long silentMs) implements Verdict {}
    }

    private static final Verdict ALIVE = new Verdict.Alive();

    private final long intervalNanos;
    private final long limitNanos;
    private long lastHeardNanos;
    private long lastTickNanos;

    public LivenessWindow(long intervalMs, int misses, long nowNanos) {
        this.intervalNanos = intervalMs * 1_000_000;
        this.limitNanos = misses * intervalNanos;
        this.lastHeardNanos = nowNanos;
        this.lastTickNanos = nowNanos;
    }

    public void heard(long nowNanos) {
        lastHeardNanos = nowNanos;
    }

    /** To be called every interval. */
    public Verdict tick(long nowNanos) {
        long lateNanos = nowNanos - lastTickNanos - intervalNanos;
        lastTickNanos = nowNanos;
        if (lateNanos >= limitNanos) {
            lastHeardNanos = nowNanos;
            return new Verdict.Restarted(lateNanos / 1_000_000);
        }
        lastHeardNanos = Math.min(nowNanos, lastHeardNanos + Math.max(0, lateNanos));
        return nowNanos - lastHeardNanos >= limitNanos
                ? new Verdict.Suspect(Math.max(1, intervalNanos / 4_000_000))
                : ALIVE;
    }

    /** After a suspicion, once everything that had arrived was read. */
    public Verdict confirm(long nowNanos) {
        long silentNanos = nowNanos - lastHeardNanos;
        return silentNanos >= limitNanos ? new Verdict.Silent(silentNanos / 1_000_000) : ALIVE;
    }
}
