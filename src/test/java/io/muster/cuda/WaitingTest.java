package io.muster.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** That a core is paid with only for what is short. */
class WaitingTest {
  private static final long MARGIN = 25_000;

  @Test
  void whatHasJustBeenStartedOrHasEndedIsLookedAfter() {
    assertThat(Waiting.of(1, CopyPace.UNKNOWN, MARGIN)).isEqualTo(Waiting.LOOK);
    assertThat(Waiting.of(1, 500_000, MARGIN)).isEqualTo(Waiting.LOOK);
  }

  @Test
  void whatIsKnownToTakeLongIsSleptThroughUntilTheMargin() {
    assertThat(Waiting.of(0, 177_000, MARGIN)).isEqualTo(new Waiting.Sleep(152_000));
    assertThat(Waiting.of(-9, 2_700_000, MARGIN)).isEqualTo(new Waiting.Sleep(2_675_000));
  }

  @Test
  void whatEndsSoonIsLookedAfterUpToALittleLaterThanItShould() {
    assertThat(Waiting.of(0, 12_000, 0)).as("no longer than is looked after").isEqualTo(Waiting.LOOK);
    assertThat(Waiting.of(0, MARGIN, MARGIN)).isEqualTo(Waiting.LOOK);
    assertThat(Waiting.of(0, MARGIN + 9_000, MARGIN)).as("too short a sleep").isEqualTo(Waiting.LOOK);
    assertThat(Waiting.of(0, -50_000, MARGIN)).isEqualTo(Waiting.LOOK);
    assertThat(Waiting.of(0, -70_000, MARGIN)).as("it takes longer than was known").isEqualTo(Waiting.TO_BE_WOKEN);
  }

  @Test
  void whatNothingIsKnownOfWakesTheThreadItself() {
    assertThat(Waiting.of(0, CopyPace.UNKNOWN, MARGIN)).isEqualTo(Waiting.TO_BE_WOKEN);
  }

  @Test
  void theMarginFollowsHowLateSleepsEnd() {
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
    Gpu gpu = Gpu.open(new GpuDrivers(driver, driver, driver), 0, HostGpus.uuid(0));
    int here = TimerSlack.nanos();
    assertThat(gpu.call(TimerSlack::nanos).join()).isEqualTo(1);
    assertThat(here).as("other threads stay as they are").isNotEqualTo(1);
    gpu.close().join();
  }
}
