// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.muster.group.AllConnected;
import io.muster.group.MusterException;
import io.muster.options.GroupOptions;
import io.vertx.core.Future;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The member of the store in this process shuts itself down: whoever waits here is told at once, and the others go on
 * (B-3, B-5).
 */
@Timeout(60)
class StoreEndTest {
    private static void assertTold(Future<AllConnected> waiting) {
        MusterException failure =
                catchThrowableOfType(MusterException.class, () -> Bounded.await(waiting, "the wait for all connected"));
        assertThat(failure.kind()).isEqualTo(MusterException.Kind.FATAL);
        assertThat(failure).hasMessageContainingAll("Hazelcast has shut down in this process", "start it again");
    }

    @Test
    void presentAndLaterWaitsFailAtOnceAfterTheStoreEnded() {
        try (var cluster = new InMemoryCluster()) {
            InMemoryCluster.Process process = cluster.start();
            JoinedRank rank = process.join("g", 0, 2);
            Future<AllConnected> waiting = rank.allConnected(Duration.ofDays(1));

            cluster.shared().shutDown(process.store());

            assertTold(waiting);
            assertTold(rank.allConnected(Duration.ofDays(1)));
            assertThat(process.muster().diagnostics().flightRecord().toJson().encode())
                    .contains("\"ENDED\"");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"g", "another"}) // a group that has a rank here already, and one that has none
    void aJoinAfterTheStoreEndedFailsAndTheProcessCloses(String group) {
        try (var cluster = new InMemoryCluster()) {
            InMemoryCluster.Process process = cluster.start();
            process.join("g", 0, 2);
            cluster.shared().shutDown(process.store());

            Future<JoinedRank> joining = process.muster().join(GroupOptions.of(group, 1, 2));
            MusterException failure = catchThrowableOfType(
                    MusterException.class, () -> Bounded.await(joining, "joining after the store has ended"));
            assertThat(failure.kind()).isEqualTo(MusterException.Kind.FATAL);
            Bounded.await(process.muster().close(), "closing Muster");
            Bounded.await(process.vertx().close(), "closing Vert.x");
        }
    }

    @Test
    void aPendingJoinFailsWhenTheStoreCloses() {
        try (var cluster = new InMemoryCluster()) {
            InMemoryCluster.Process process = cluster.start();
            Future<JoinedRank> joining = process.muster().join(GroupOptions.of("g", 0, 2));
            Bounded.await(process.store().close(), "closing the store under the join");
            Future<Void> closed = process.muster().close();
            Bounded.await(closed, "closing Muster");
            Eventually.holds("the join ends", joining::isComplete);
            assertThat(joining.succeeded()
                            || (joining.cause() instanceof MusterException over
                                    && over.kind() == MusterException.Kind.FATAL))
                    .as("it has joined before the close, or fails with FATAL: %s", joining)
                    .isTrue();
            Bounded.await(process.vertx().close(), "closing Vert.x");
        }
    }
}
