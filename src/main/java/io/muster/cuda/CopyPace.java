// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

/**
 * How fast copies of one kind go, learnt from those that were alone: so that the thread that waits for a long copy can
 * sleep until shortly before its end. A pace that was too slow is corrected at once, one that was too fast slowly:
 * whoever looks too late would never learn.
 */
final class CopyPace {
    static final long UNKNOWN = Long.MAX_VALUE;
    /** Smaller copies say more of the call than of the pace. */
    private static final long TELLING_BYTES = 256 << 10;

    private static final double SLOWLY = 0.1;

    private final long apartNanos;
    private double nanosPerByte;

    /**
     * @param apartNanos what every copy takes apart from its bytes, as it is measured here: the calls, and how late its
     *     end is seen
     */
    CopyPace(long apartNanos) {
        this.apartNanos = apartNanos;
    }

    void took(long bytes, long nanos) {
        if (bytes < TELLING_BYTES || nanos <= apartNanos) {
            return;
        }
        double seen = (nanos - apartNanos) / (double) bytes;
        nanosPerByte = nanosPerByte == 0 || seen < nanosPerByte ? seen : nanosPerByte + SLOWLY * (seen - nanosPerByte);
    }

    long dueNanos(long startNanos, long bytes) {
        return bytes < TELLING_BYTES || nanosPerByte == 0
                ? UNKNOWN
                : startNanos + apartNanos + (long) (bytes * nanosPerByte);
    }
}
