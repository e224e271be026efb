// SPDX-License-Identifier: Apache-2.0

package io.muster.epoch;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.barrier.BarrierTiming;
import io.muster.barrier.BarrierVerticle;
import io.muster.group.GroupName;
import io.muster.group.ProcessId;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class BarrierStartTest {
    /** Another process's entry may be pushed while this process's group is still being deployed. */
    @Test
    void ignoresStoreEventsBeforeItHasStarted() {
        var verticle = new BarrierVerticle(
                new BarrierSetup(new GroupName("g"), 2, new ProcessId(0, 1), 30, 200, 5, 250, 100),
                null,
                new BarrierTiming(5_000, 0, 1000, 1000, 6_000));
        var ran = new AtomicInteger();
        verticle.execute(_ -> ran.incrementAndGet());
        assertThat(ran).hasValue(0);
        assertThat(verticle.epochSeen()).isNull();
    }
}
