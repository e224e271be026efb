// SPDX-License-Identifier: Apache-2.0

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
    void isSilentAfterTheLimitAndNotBefore() {
        window.received(400 * MS);
        for (long second = 1; second <= 3; second++) {
            assertThat(window.tick(second * 1_000 * MS)).isInstanceOf(LivenessWindow.Verdict.Alive.class);
        }
        assertThat(window.tick(4_000 * MS)).isEqualTo(new LivenessWindow.Verdict.Suspect(250));
        assertThat(window.confirm(4_250 * MS)).isEqualTo(new LivenessWindow.Verdict.Silent(3_850));
    }

    @Test
    void anyByteRestartsTheWindow() {
        for (long second = 1; second <= 100; second++) {
            window.received(second * 1_000 * MS - 1);
            assertThat(window.tick(second * 1_000 * MS)).isInstanceOf(LivenessWindow.Verdict.Alive.class);
        }
    }

    @Test
    void aStoppedProcessBlamesNoPeerAndRestartsTheWindow() {
        window.tick(1_000 * MS);
        assertThat(window.tick(61_000 * MS)).isEqualTo(new LivenessWindow.Verdict.Restarted(59_000));
        assertThat(window.tick(62_000 * MS)).isInstanceOf(LivenessWindow.Verdict.Alive.class);
        assertThat(window.tick(63_000 * MS)).isInstanceOf(LivenessWindow.Verdict.Alive.class);
        assertThat(window.tick(64_000 * MS)).isEqualTo(new LivenessWindow.Verdict.Suspect(250));
    }

    @Test
    void bytesReadBetweenSuspicionAndConfirmationCount() {
        window.tick(1_000 * MS);
        window.tick(2_000 * MS);
        assertThat(window.tick(3_000 * MS)).isInstanceOf(LivenessWindow.Verdict.Suspect.class);
        window.received(3_100 * MS);
        assertThat(window.confirm(3_250 * MS)).isInstanceOf(LivenessWindow.Verdict.Alive.class);
    }

    @Test
    void aLateTickDoesNotCountAgainstThePeer() {
        window.tick(1_000 * MS);
        assertThat(window.tick(4_900 * MS)).as("2.9 s late").isInstanceOf(LivenessWindow.Verdict.Alive.class);
        assertThat(window.tick(5_900 * MS)).as("3 s of its own").isInstanceOf(LivenessWindow.Verdict.Suspect.class);
    }

    /** Ticks are late and early in turn, as on a busy event loop. The silence is detected after a bounded time. */
    @Test
    void aBusyEventLoopStillDetectsASilentPeer() {
        long now = 0;
        for (int tick = 1; tick <= 6; tick++) {
            now += (tick % 2 == 1 ? 1_800 : 200) * MS;
            if (window.tick(now) instanceof LivenessWindow.Verdict.Suspect) {
                assertThat(tick).isBetween(4, 6);
                assertThat(window.confirm(now + 700 * MS)).isInstanceOf(LivenessWindow.Verdict.Silent.class);
                return;
            }
        }
        throw new AssertionError("not detected after " + now / MS + " ms");
    }
}
