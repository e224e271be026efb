// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.copy;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.cuda.copy.WaitRule.Waiting;
import org.junit.jupiter.api.Test;

class WaitEstimatesTest {
    private static final long MIB = 1 << 20;

    private final WaitEstimates.Pace pace = WaitRule.USUAL.pace();

    @Test
    void hasNoEstimateBeforeALargeCopyWasMeasured() {
        pace.took(4, 12_000);
        assertThat(pace.dueNanos(5, 64 * MIB)).isEqualTo(WaitEstimates.Pace.UNKNOWN);
        pace.took(64 * MIB, 180_000);
        assertThat(pace.dueNanos(1_000_000, 64 * MIB)).isBetween(1_179_000L, 1_181_000L);
        assertThat(pace.dueNanos(1_000_000, 4))
                .as("small ones have no estimate")
                .isEqualTo(WaitEstimates.Pace.UNKNOWN);
    }

    /** A late query measures too long a time, so an estimate that is too long must be corrected at once. */
    @Test
    void adoptsAFasterCopyAtOnceAndASlowerOneSlowly() {
        pace.took(64 * MIB, 400_000);
        pace.took(64 * MIB, 180_000);
        assertThat(pace.dueNanos(0, 64 * MIB)).isBetween(179_000L, 181_000L);
        pace.took(64 * MIB, 280_000);
        assertThat(pace.dueNanos(0, 64 * MIB)).isBetween(185_000L, 195_000L);
    }

    /** A thread that slept beyond the end would measure its sleep, and sleep longer the next time. */
    @Test
    void learnsTheTimeOfACopyWithoutPollingToo() {
        var withoutPolling = new WaitRule(0);
        WaitEstimates.Pace pace = withoutPolling.pace();
        long bytes = 64 << 20;
        long takesNanos = 178_000;
        long latestNanos = 0;
        pace.took(1 << 20, WaitRule.NAP_NANOS + 24_000); // too short to measure
        assertThat(pace.dueNanos(0, bytes)).isEqualTo(WaitEstimates.Pace.UNKNOWN);
        pace.took(bytes, takesNanos + 40_000); // seen by a callback
        for (int i = 0; i < 500; i++) {
            long nowNanos = 0;
            while (nowNanos < takesNanos) {
                nowNanos += 24_000
                        + switch (withoutPolling.next(
                                nowNanos,
                                new WaitRule.UnderWay(false, pace.dueNanos(0, bytes) - nowNanos, true),
                                24_000 + 12_000)) {
                            case Waiting.Sleep(long nanos) -> nanos;
                            case Waiting.Nap _ -> WaitRule.NAP_NANOS;
                            case Waiting.Poll _, Waiting.UntilWoken _ -> throw new AssertionError("after " + nowNanos);
                        };
            }
            pace.took(bytes, nowNanos);
            latestNanos = nowNanos - takesNanos;
            assertThat(latestNanos).as("too late, copy %d", i).isLessThan(72_000);
        }
        assertThat(latestNanos).isLessThan(WaitRule.NAP_NANOS + 24_000);
    }

    @Test
    void theMarginFollowsTheDelayOfSleeps() {
        var margin = new WaitEstimates.Margin();
        assertThat(margin.nanos()).as("before the first sleep").isEqualTo(100_000);
        for (int i = 0; i < 100; i++) {
            margin.late(6_000);
        }
        assertThat(margin.nanos()).isBetween(17_000L, 20_000L);
        margin.late(100_000);
        assertThat(margin.nanos()).as("after one late sleep").isBetween(38_000L, 45_000L);
        for (int i = 0; i < 100; i++) {
            margin.late(10_000_000);
        }
        assertThat(margin.nanos()).as("at most this much").isBetween(195_000L, 200_000L);
    }
}
