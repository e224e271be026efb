package io.muster.transfer;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

// P-9
@Timeout(10)
class LivenessWindowTest {
  private static final long MS = 1_000_000;
  private final LivenessWindow window = new LivenessWindow(1_000, 3, 0);

  @Test
  void isLostAfterTheMissesAndNotBefore() {
    window.heard(400 * MS);
    for (long second = 1; second <= 3; second++) {
      assertThat(window.tick(second * 1_000 * MS)).isInstanceOf(LivenessWindow.Verdict.Alive.class);
    }
    assertThat(window.tick(4_000 * MS)).isEqualTo(new LivenessWindow.Verdict.Silent(3_600));
  }

  @Test
  void anyByteStartsTheWindowAnew() {
    for (long second = 1; second <= 100; second++) {
      window.heard(second * 1_000 * MS - 1);
      assertThat(window.tick(second * 1_000 * MS)).isInstanceOf(LivenessWindow.Verdict.Alive.class);
    }
  }

  @Test
  void whoWasStoppedAccusesNobodyAndWaitsAWholeWindowAgain() {
    window.tick(1_000 * MS);
    assertThat(window.tick(61_000 * MS)).isEqualTo(new LivenessWindow.Verdict.Restarted(59_000));
    assertThat(window.tick(62_000 * MS)).isInstanceOf(LivenessWindow.Verdict.Alive.class);
    assertThat(window.tick(63_000 * MS)).isInstanceOf(LivenessWindow.Verdict.Alive.class);
    assertThat(window.tick(64_000 * MS)).isEqualTo(new LivenessWindow.Verdict.Silent(3_000));
  }

  @Test
  void aLittleLateIsNotStopped() {
    assertThat(window.tick(1_500 * MS)).isInstanceOf(LivenessWindow.Verdict.Alive.class);
    assertThat(window.tick(3_001 * MS)).isInstanceOf(LivenessWindow.Verdict.Restarted.class);
  }
}
