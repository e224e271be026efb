// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.Bounded;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CloseBoundTest {
    private final Vertx vertx = Vertx.vertx();

    @AfterEach
    void close() {
        Bounded.await(vertx.close(), "closing Vert.x");
    }

    @Test
    void theWaitForAPartThatNeverEndsIsBounded() throws TimeoutException {
        Promise<Void> never = Promise.promise();
        new CloseBound(vertx, 20).of("servers", never::future).await(20, TimeUnit.SECONDS);
        assertThat(never.future().isComplete()).isFalse();
    }

    @Test
    void waitsForAPartAlsoIfItEndsWithAFailure() throws TimeoutException {
        Promise<Void> later = Promise.promise();
        Future<Void> end = new CloseBound(vertx, 60_000).of("client", later::future);
        assertThat(end.isComplete()).isFalse();
        later.fail("could not be closed");
        end.await(20, TimeUnit.SECONDS);
    }
}
