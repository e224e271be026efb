// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.muster.group.AllConnected;
import io.muster.group.MusterException;
import io.vertx.core.Future;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

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
}
