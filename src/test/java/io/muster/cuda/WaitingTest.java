// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** That a core is paid with only for what is short. */
class WaitingTest {
    private static final long MARGIN = 25_000;

    private static final WaitRule LOOKS = WaitRule.USUAL;
    private static final WaitRule NEVER_LOOKS = new WaitRule(0);

    private static WaitRule.UnderWay shortOnes(long untilDueNanos) {
        return new WaitRule.UnderWay(false, untilDueNanos, false);
    }

    private static WaitRule.UnderWay longOnes(long untilDueNanos) {
        return new WaitRule.UnderWay(false, untilDueNanos, true);
    }

    private static final WaitRule.UnderWay NOTHING = new WaitRule.UnderWay(true, CopyPace.UNKNOWN, false);
    private static final WaitRule.UnderWay UNKNOWN = shortOnes(CopyPace.UNKNOWN);

    @Test
    void pollsShortlyAfterAStartOrAnEnd() {
        assertThat(LOOKS.next(0, UNKNOWN, MARGIN)).isEqualTo(Waiting.LOOK);
        assertThat(LOOKS.next(19_999, shortOnes(500_000), MARGIN))
                .as("another one is short")
                .isEqualTo(Waiting.LOOK);
        assertThat(LOOKS.next(0, NOTHING, MARGIN)).as("more may come").isEqualTo(Waiting.LOOK);
        assertThat(LOOKS.next(20_000, NOTHING, MARGIN)).isEqualTo(Waiting.TO_BE_WOKEN);
    }

    @Test
    void sleepsThroughALongCopyUntilTheMargin() {
        assertThat(LOOKS.next(0, longOnes(177_000), MARGIN)).isEqualTo(new Waiting.Sleep(152_000));
        assertThat(LOOKS.next(30_000, shortOnes(2_700_000), MARGIN)).isEqualTo(new Waiting.Sleep(2_675_000));
    }

    @Test
    void pollsACopyThatEndsSoonUntilALittleAfterItsTime() {
        assertThat(LOOKS.next(90_000, shortOnes(12_000), 0))
                .as("no longer than is looked after")
                .isEqualTo(Waiting.LOOK);
        assertThat(LOOKS.next(90_000, longOnes(MARGIN), MARGIN)).isEqualTo(Waiting.LOOK);
        assertThat(LOOKS.next(90_000, longOnes(MARGIN + 9_000), MARGIN))
                .as("too short a sleep")
                .isEqualTo(Waiting.LOOK);
        assertThat(LOOKS.next(90_000, shortOnes(-50_000), MARGIN)).isEqualTo(Waiting.LOOK);
        assertThat(LOOKS.next(90_000, shortOnes(-70_000), MARGIN))
                .as("it takes longer than was known")
                .isEqualTo(Waiting.TO_BE_WOKEN);
    }

    @Test
    void aCopyOfUnknownLengthWakesTheThread() {
        assertThat(LOOKS.next(20_000, UNKNOWN, MARGIN)).isEqualTo(Waiting.TO_BE_WOKEN);
        assertThat(NEVER_LOOKS.next(WaitRule.LATE_NANOS, UNKNOWN, MARGIN)).isEqualTo(Waiting.TO_BE_WOKEN);
        assertThat(NEVER_LOOKS.next(90_000, shortOnes(-70_000), MARGIN)).isEqualTo(Waiting.TO_BE_WOKEN);
    }

    @Test
    void withoutPollingItSleepsThroughEveryCopy() {
        assertThat(NEVER_LOOKS.next(0, UNKNOWN, MARGIN)).isEqualTo(Waiting.NAP);
        assertThat(NEVER_LOOKS.next(0, shortOnes(9_000), MARGIN)).isEqualTo(Waiting.NAP);
        assertThat(NEVER_LOOKS.next(0, shortOnes(-9_000), MARGIN)).isEqualTo(Waiting.NAP);
        assertThat(NEVER_LOOKS.next(0, longOnes(177_000), MARGIN)).isEqualTo(new Waiting.Sleep(152_000));
        assertThat(NEVER_LOOKS.next(0, longOnes(MARGIN + 19_000), MARGIN))
                .as("a nap is as long")
                .isEqualTo(Waiting.NAP);
        assertThat(NEVER_LOOKS.next(0, NOTHING, MARGIN)).isEqualTo(Waiting.TO_BE_WOKEN);
        for (long since : new long[] {0, 5_000, 20_000, 59_999, 60_000, 1_000_000}) {
            for (long due :
                    new long[] {-1_000_000, -60_001, -60_000, -1, 0, 1, 10_000, 10_001, 1_000_000, CopyPace.UNKNOWN}) {
                assertThat(NEVER_LOOKS.next(since, shortOnes(due), MARGIN)).isNotEqualTo(Waiting.LOOK);
                assertThat(NEVER_LOOKS.next(since, longOnes(due), MARGIN)).isNotEqualTo(Waiting.LOOK);
            }
        }
    }

    /** Whoever sleeps beyond the end measures the sleep, and would sleep longer the next time. */
    @Test
    void theLengthOfACopyIsLearntAlsoWhileAsleep() {
        CopyPace pace = NEVER_LOOKS.pace();
        long bytes = 64 << 20;
        long takesNanos = 178_000;
        long latestNanos = 0;
        pace.took(1 << 20, WaitRule.NAP_NANOS + 24_000); // says nothing of larger ones
        assertThat(pace.dueNanos(0, bytes)).isEqualTo(CopyPace.UNKNOWN);
        pace.took(bytes, takesNanos + 40_000); // called back
        for (int i = 0; i < 500; i++) {
            long nowNanos = 0;
            while (nowNanos < takesNanos) {
                nowNanos += 24_000
                        + switch (NEVER_LOOKS.next(
                                nowNanos, longOnes(pace.dueNanos(0, bytes) - nowNanos), 24_000 + 12_000)) {
                            case Waiting.Sleep(long nanos) -> nanos;
                            case Waiting.Nap _ -> WaitRule.NAP_NANOS;
                            case Waiting.Look _, Waiting.ToBeWoken _ -> throw new AssertionError("after " + nowNanos);
                        };
            }
            pace.took(bytes, nowNanos);
            latestNanos = nowNanos - takesNanos;
            assertThat(latestNanos).as("too late, copy %d", i).isLessThan(72_000);
        }
        assertThat(latestNanos).isLessThan(WaitRule.NAP_NANOS + 24_000);
    }

    @Test
    void theMarginFollowsTheLatenessOfSleeps() {
        var margin = new SleepMargin();
        assertThat(margin.nanos()).as("before anything is known").isEqualTo(100_000);
        for (int i = 0; i < 100; i++) {
            margin.late(6_000);
        }
        assertThat(margin.nanos()).isBetween(17_000L, 20_000L);
        margin.late(100_000);
        assertThat(margin.nanos()).as("once late").isBetween(38_000L, 45_000L);
        for (int i = 0; i < 100; i++) {
            margin.late(10_000_000);
        }
        assertThat(margin.nanos()).as("no more than is worth sleeping for").isBetween(195_000L, 200_000L);
    }

    /** Linux ends a sleep up to 50 µs late unless the thread asks for better. */
    @Test
    @Timeout(value = 60, unit = TimeUnit.SECONDS)
    void theThreadOfAGpuSleepsExactly() {
        var driver = new HostGpuDriver();
        Gpu gpu = Gpu.open(new GpuDrivers(driver, driver, driver), 0, HostGpus.uuid(0), WaitRule.USUAL);
        int here = TimerSlack.nanos();
        assertThat(gpu.call(TimerSlack::nanos).join()).isEqualTo(1);
        assertThat(here).as("other threads stay as they are").isNotEqualTo(1);
        gpu.close().join();
    }
}
