// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.copy;

/**
 * The two estimates by which a GPU's thread sleeps through a long copy and is awake at its end: when the copy ends
 * ({@link Pace}), and how much earlier the sleep has to end ({@link Margin}). Both are learnt from earlier copies and
 * sleeps, and belong to the GPU's thread.
 */
final class WaitEstimates {
    private WaitEstimates() {}

    /**
     * How fast copies of one kind are, learnt from copies that ran alone. An estimate that was too slow is corrected at
     * once, and one that was too fast slowly: the end of a copy is seen late if the thread sleeps beyond it, so a slow
     * measurement may be the thread's own delay.
     */
    static final class Pace {
        static final long UNKNOWN = Long.MAX_VALUE;
        /** The time of smaller copies is mostly that of the calls. */
        private static final long MEASURED_BYTES = 256 << 10;

        private static final double SLOWLY = 0.1;

        private final long fixedNanos;
        private double nanosPerByte;

        /**
         * @param fixedNanos the part of the measured time that does not depend on the size: the calls, and the delay
         *     until the end is seen
         */
        Pace(long fixedNanos) {
            this.fixedNanos = fixedNanos;
        }

        void took(long bytes, long nanos) {
            if (bytes < MEASURED_BYTES || nanos <= fixedNanos) {
                return;
            }
            double seen = (nanos - fixedNanos) / (double) bytes;
            nanosPerByte =
                    nanosPerByte == 0 || seen < nanosPerByte ? seen : nanosPerByte + SLOWLY * (seen - nanosPerByte);
        }

        /** The expected end; {@link #UNKNOWN} for a small copy, and until a large one has been measured. */
        long dueNanos(long startNanos, long bytes) {
            return bytes < MEASURED_BYTES || nanosPerByte == 0
                    ? UNKNOWN
                    : startNanos + fixedNanos + (long) (bytes * nanosPerByte);
        }
    }

    /**
     * How long before the expected end of a copy a sleep has to end, learnt from how late earlier sleeps ended. It
     * rises faster than it falls: waking late delays the transfer, waking early only uses the core.
     */
    static final class Margin {
        /** Before anything is learnt: the default timer slack of Linux, twice. */
        private static final long FIRST_NANOS = 100_000;
        /** A sleep that ended later than this met a busy host, of which the next one need not know. */
        private static final long MOST_NANOS = 200_000;
        /** Durations of equal copies vary by this much. */
        private static final long SPREAD_NANOS = 12_000;

        private static final int RISES_BY = 4;
        private static final int FALLS_BY = 16;

        private long nanos = FIRST_NANOS;

        long nanos() {
            return nanos;
        }

        /** Records how much later than requested a sleep ended. */
        void late(long lateNanos) {
            long seen = Math.min(MOST_NANOS, Math.max(0, lateNanos) + SPREAD_NANOS);
            nanos += (seen - nanos) / (seen > nanos ? RISES_BY : FALLS_BY);
        }
    }
}
