// SPDX-License-Identifier: Apache-2.0

package io.muster.epoch;

import io.muster.group.GroupName;
import io.muster.group.ProcessId;

/**
 * What never changes for the barrier of one group in one process.
 *
 * @param hedgeMs how long a process waits, per process before it ({@link EpochRules#processesBefore}), before it opens
 *     or completes
 * @param republishHedgeMs greatest random wait before an event that nobody seems to have published is published again
 * @param gatherMs how long losses are gathered before the epoch is degraded in the store (on the own node they are told
 *     at once)
 * @param overdueMs how long nobody may have completed an epoch that is implied, or whose marks were told, before both
 *     are written to the store
 * @param retryMs wait after a store operation that failed
 */
public record BarrierSetup(
        GroupName group,
        int worldSize,
        ProcessId process,
        long hedgeMs,
        long republishHedgeMs,
        long gatherMs,
        long overdueMs,
        long retryMs) {}
