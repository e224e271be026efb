// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

/**
 * Time limits and back-off of a link, in milliseconds.
 *
 * @param openTimeoutMs from the dial to the accept, on the writer's side; the waiter allows twice that
 * @param warmupTimeoutMs from the accept to CONNECTED, on the writer's side; the waiter allows twice that, so that the
 *     writer closes first
 * @param backoffInitialMs delay after the first failure, doubled by each further one
 * @param backoffMaxMs greatest delay
 * @param refusedProbeMs pause between attempts of a refused link
 * @param closeTimeoutMs how long closing waits for transfers that are under way
 */
public record LinkTiming(
        long openTimeoutMs,
        long warmupTimeoutMs,
        long backoffInitialMs,
        long backoffMaxMs,
        long refusedProbeMs,
        long closeTimeoutMs) {
    public static final LinkTiming DEFAULT = new LinkTiming(5_000, 5_000, 8, 1_024, 10_000, 2_000);

    /** The delay before attempt n + 1 after n failures in a row; the shell adds jitter. */
    long backoffMs(int failures) {
        int doublings = Math.min(Math.max(failures - 1, 0), 30);
        return Math.min(backoffMaxMs, backoffInitialMs << doublings);
    }
}
