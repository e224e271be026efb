// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.GroupName;
import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.segment.EpochRecord;
import io.muster.segment.ProofCounts;
import org.junit.jupiter.api.Test;

class EpochClockTest {
    private static final Member ZERO = new Member(0, 10, new LifeId(0, 10));
    private static final Member ONE = new Member(1, 20, new LifeId(1, 20));
    private static final Member ONE_AGAIN = new Member(1, 21, new LifeId(1, 21));

    private long nowMs = -5_000;
    private final EpochClock clock = new EpochClock(() -> nowMs * 1_000_000);

    private static EpochRecord complete(long number, Member... vector) {
        return BarrierValues.open(new GroupName("g"), number, vector).complete(ProofCounts.NONE);
    }

    private void firstEpoch() {
        clock.seen(ZERO);
        nowMs += 60_000;
        clock.seen(ONE);
        nowMs += 30;
        assertThat(clock.elapsedMs(complete(1, ZERO, ONE))).isEqualTo(30);
    }

    @Test
    void theFirstEpochCountsFromTheLastPublish() {
        firstEpoch();
        nowMs += 7_000;
        assertThat(clock.elapsedMs(complete(1, ZERO, ONE)))
                .as("the same for each event of an epoch")
                .isEqualTo(30);
    }

    @Test // as after a process that was stopped, and comes back with the same life
    void aLaterEpochCountsFromTheLossBeforeIt() {
        firstEpoch();
        nowMs += 60_000;
        clock.ended(1);
        nowMs += 2_000;
        clock.ended(1);
        nowMs += 1_000;
        assertThat(clock.elapsedMs(complete(2, ZERO, ONE))).isEqualTo(3_000);
    }

    @Test // the time without the rank belongs to it
    void aRestartCountsFromTheLossAndNotFromTheNewPublish() {
        firstEpoch();
        clock.ended(1);
        nowMs += 8_000;
        clock.seen(ONE_AGAIN);
        nowMs += 20;
        assertThat(clock.elapsedMs(complete(3, ZERO, ONE_AGAIN))).isEqualTo(8_020);
        clock.ended(1);
        nowMs += 500;
        clock.ended(3);
        nowMs += 40;
        assertThat(clock.elapsedMs(complete(4, ZERO, ONE_AGAIN))).isEqualTo(40);
    }

    @Test
    void aProcessThatSawNoEndCountsFromTheLastPublish() {
        clock.seen(ZERO);
        clock.seen(ONE_AGAIN);
        nowMs += 25;
        assertThat(clock.elapsedMs(complete(9, ZERO, ONE_AGAIN))).isEqualTo(25);
    }
}
