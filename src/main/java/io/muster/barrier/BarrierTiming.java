// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

/**
 * Times of a barrier verticle.
 *
 * @param reconcileMs interval at which everything is read again
 * @param reportEveryMs interval at which the stuck report is logged while a call waits, 0: never, and blame at DEBUG
 *     only
 * @param observersMs time that the other processes have to answer which processes they reach
 * @param livenessIntervalMs greatest time between the detections of one silence by two processes
 * @param reconnectMs time in which a process that is reachable again has been reached: an attempt that is under way
 *     fails, and a pause follows
 */
public record BarrierTiming(
        long reconcileMs, long reportEveryMs, long observersMs, long livenessIntervalMs, long reconnectMs) {}
