// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

/**
 * How long before a copy's end a sleep has to end, so that the thread is awake at it: learnt from how late earlier
 * sleeps have ended. It rises faster than it falls, since being late costs the transfer and being early only the core.
 */
final class SleepMargin {
    private static final long FIRST_NANOS = 100_000;
    private static final long MOST_NANOS = 200_000;
    /** Copies of one size differ by so much. */
    private static final long SPREAD_NANOS = 12_000;

    private static final int RISES_BY = 4;
    private static final int FALLS_BY = 16;

    private long nanos = FIRST_NANOS;

    long nanos() {
        return nanos;
    }

    /** A sleep has ended so much later than it was to. */
    void late(long lateNanos) {
        long seen = Math.min(MOST_NANOS, Math.max(0, lateNanos) + SPREAD_NANOS);
        nanos += (seen - nanos) / (seen > nanos ? RISES_BY : FALLS_BY);
    }
}
