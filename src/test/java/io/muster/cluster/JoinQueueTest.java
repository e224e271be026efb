// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class JoinQueueTest {
    private static final Duration LONG = Duration.ofHours(1);

    @Test
    void theNextJoinsOnceTheOneBeforeHasAppeared() throws Exception {
        JoinQueue turns = new JoinQueue(Duration.ofMillis(1), LONG);
        CompletableFuture<JsonObject> one = turns.take().toCompletableFuture();
        CompletableFuture<JsonObject> two = turns.take().toCompletableFuture();
        CompletableFuture<JsonObject> three = turns.take().toCompletableFuture();
        assertThat(one).isDone();
        assertThat(two).isNotDone();
        turns.joined();
        assertThat(two.get(5, TimeUnit.SECONDS).getInteger("turn")).isEqualTo(2);
        assertThat(three).isNotDone();
    }

    @Test
    void noJoinerWaitsForOneThatNeverAppears() throws Exception {
        JoinQueue turns = new JoinQueue(LONG, Duration.ofMillis(20));
        turns.take();
        assertThat(turns.take().toCompletableFuture().get(5, TimeUnit.SECONDS).getInteger("turn"))
                .isEqualTo(2);
    }

    @Test
    void aMemberThatJoinsOutOfTurnEndsNoLaterTurn() {
        JoinQueue turns = new JoinQueue(LONG, LONG);
        turns.joined();
        assertThat(turns.take().toCompletableFuture()).isDone();
        assertThat(turns.take().toCompletableFuture()).isNotDone();
    }
}
