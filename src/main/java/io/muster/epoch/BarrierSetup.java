// SPDX-License-Identifier: Apache-2.0

package io.muster.epoch;

import io.muster.group.GroupName;
import io.muster.group.ProcessId;

/**
 * The constants of the barrier of one group in one process.
 *
 * @param hedgeMs wait before opening or completing an epoch, for each process that is to act earlier
 *     ({@link EpochRules#processesBefore})
 * @param republishHedgeMs greatest random wait before an outcome is published again whose event has not arrived
 * @param gatherMs time in which losses are collected before the record is degraded; this node announces each loss at
 *     once
 * @param overdueMs time after which an epoch that is not completed, implied or marked, is written to the store with the
 *     own marks
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
