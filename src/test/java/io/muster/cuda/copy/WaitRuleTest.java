// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.copy;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.cuda.copy.WaitRule.Waiting;
import io.muster.cuda.driver.GpuDrivers;
import io.muster.cuda.driver.HostGpuDriver;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Polling is for short copies only. */
class WaitRuleTest {
    private static final long MARGIN = 25_000;

    private static final WaitRule POLLING = WaitRule.USUAL;
    private static final WaitRule WITHOUT_POLLING = new WaitRule(0);

    private static WaitRule.UnderWay shortOnes(long untilDueNanos) {
        return new WaitRule.UnderWay(false, untilDueNanos, false);
    }

    private static WaitRule.UnderWay longOnes(long untilDueNanos) {
        return new WaitRule.UnderWay(false, untilDueNanos, true);
    }

    private static final WaitRule.UnderWay NOTHING = new WaitRule.UnderWay(true, WaitEstimates.Pace.UNKNOWN, false);
    private static final WaitRule.UnderWay UNKNOWN = shortOnes(WaitEstimates.Pace.UNKNOWN);

    @Test
    void pollsAfterACopyHasStartedOrEnded() {
        assertThat(POLLING.next(0, UNKNOWN, MARGIN)).isEqualTo(Waiting.POLL);
        assertThat(POLLING.next(19_999, shortOnes(500_000), MARGIN))
                .as("another copy is short")
                .isEqualTo(Waiting.POLL);
        assertThat(POLLING.next(0, NOTHING, MARGIN)).as("more may come").isEqualTo(Waiting.POLL);
        assertThat(POLLING.next(20_000, NOTHING, MARGIN)).isEqualTo(Waiting.UNTIL_WOKEN);
    }

    @Test
    void sleepsThroughALongCopyUntilTheMargin() {
        assertThat(POLLING.next(0, longOnes(177_000), MARGIN)).isEqualTo(new Waiting.Sleep(152_000));
        assertThat(POLLING.next(30_000, shortOnes(2_700_000), MARGIN)).isEqualTo(new Waiting.Sleep(2_675_000));
    }

    @Test
    void pollsForACopyThatEndsSoonUntilItIsOverdue() {
        assertThat(POLLING.next(90_000, shortOnes(12_000), 0))
                .as("within the polling time")
                .isEqualTo(Waiting.POLL);
        assertThat(POLLING.next(90_000, longOnes(MARGIN), MARGIN)).isEqualTo(Waiting.POLL);
        assertThat(POLLING.next(90_000, longOnes(MARGIN + 9_000), MARGIN))
                .as("too short a sleep")
                .isEqualTo(Waiting.POLL);
        assertThat(POLLING.next(90_000, shortOnes(-50_000), MARGIN)).isEqualTo(Waiting.POLL);
        assertThat(POLLING.next(90_000, shortOnes(-70_000), MARGIN))
                .as("it takes longer than estimated")
                .isEqualTo(Waiting.UNTIL_WOKEN);
    }

    @Test
    void leavesCopiesWithoutAnEstimateToTheDriversCallback() {
        assertThat(POLLING.next(20_000, UNKNOWN, MARGIN)).isEqualTo(Waiting.UNTIL_WOKEN);
        assertThat(WITHOUT_POLLING.next(WaitRule.LATE_NANOS, UNKNOWN, MARGIN)).isEqualTo(Waiting.UNTIL_WOKEN);
        assertThat(WITHOUT_POLLING.next(90_000, shortOnes(-70_000), MARGIN)).isEqualTo(Waiting.UNTIL_WOKEN);
    }

    @Test
    void withoutPollingItSleepsWhateverIsInProgress() {
        assertThat(WITHOUT_POLLING.next(0, UNKNOWN, MARGIN)).isEqualTo(Waiting.NAP);
        assertThat(WITHOUT_POLLING.next(0, shortOnes(9_000), MARGIN)).isEqualTo(Waiting.NAP);
        assertThat(WITHOUT_POLLING.next(0, shortOnes(-9_000), MARGIN)).isEqualTo(Waiting.NAP);
        assertThat(WITHOUT_POLLING.next(0, longOnes(177_000), MARGIN)).isEqualTo(new Waiting.Sleep(152_000));
        assertThat(WITHOUT_POLLING.next(0, longOnes(MARGIN + 19_000), MARGIN))
                .as("a nap is as long as that sleep")
                .isEqualTo(Waiting.NAP);
        assertThat(WITHOUT_POLLING.next(0, NOTHING, MARGIN)).isEqualTo(Waiting.UNTIL_WOKEN);
        for (long since : new long[] {0, 5_000, 20_000, 59_999, 60_000, 1_000_000}) {
            for (long due : new long[] {
                -1_000_000, -60_001, -60_000, -1, 0, 1, 10_000, 10_001, 1_000_000, WaitEstimates.Pace.UNKNOWN
            }) {
                assertThat(WITHOUT_POLLING.next(since, shortOnes(due), MARGIN)).isNotEqualTo(Waiting.POLL);
                assertThat(WITHOUT_POLLING.next(since, longOnes(due), MARGIN)).isNotEqualTo(Waiting.POLL);
            }
        }
    }

    /** Linux ends a sleep up to 50 µs late unless the thread asks for better. */
    @Test
    @Timeout(value = 60, unit = TimeUnit.SECONDS)
    void theTimerSlackOfAGpusThreadIsOneNanosecond() {
        var driver = new HostGpuDriver();
        var worker = new GpuWorker(new GpuDrivers(driver, driver, driver), 0, WaitRule.USUAL);
        worker.start();
        int here = TimerSlack.nanos();
        assertThat(worker.call(TimerSlack::nanos).join()).isEqualTo(1);
        assertThat(here).as("other threads keep their slack").isNotEqualTo(1);
        worker.close().join();
    }
}
