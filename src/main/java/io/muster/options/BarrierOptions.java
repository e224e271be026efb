// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import java.time.Duration;

/**
 * Waiting for all-connected.
 *
 * @param reportEveryMs how often a pending wait logs the missing ranks, 0: never, and who is to blame at DEBUG only
 */
public record BarrierOptions(int reportEveryMs) {
    static final BarrierOptions DEFAULTS = new BarrierOptions(10_000);

    public BarrierOptions {
        Mistakes mistakes = new Mistakes("barrier");
        mistakes.range("reportEveryMs", reportEveryMs, 0, 3_600_000, "ms (0: never)");
        mistakes.throwIfAny();
    }

    public BarrierOptions withReportEvery(Duration reportEvery) {
        return new BarrierOptions(Durations.inMillis(reportEvery));
    }
}
