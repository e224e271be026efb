// SPDX-License-Identifier: Apache-2.0

package io.muster.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.Bounded;
import io.muster.group.ProcessId;
import io.vertx.core.Vertx;
import io.vertx.junit5.VertxExtension;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(VertxExtension.class)
@Timeout(20)
class StoreRehearsalTest {
    @Test
    void doesItsRoundsAndLeavesNothing(Vertx vertx) {
        SegmentStore store = new InMemorySegmentStore.Shared()
                .store(vertx.getOrCreateContext(), ProcessId.random(RandomGenerator.getDefault()));

        assertThat(Bounded.await(
                        StoreRehearsal.run(store, "mine", 7, System.nanoTime() + 60_000_000_000L),
                        "the rehearsal of the store"))
                .isEqualTo(7);

        assertThat(Bounded.await(store.get("mine"), "reading the store")).isNull();
    }

    @Test
    void beginsNoRoundAfterItsTimeIsOver(Vertx vertx) {
        SegmentStore store = new InMemorySegmentStore.Shared()
                .store(vertx.getOrCreateContext(), ProcessId.random(RandomGenerator.getDefault()));

        assertThat(Bounded.await(
                        StoreRehearsal.run(store, "mine", 7, System.nanoTime() - 1), "the rehearsal of the store"))
                .isZero();
    }
}
