// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.group.LogEvents;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The time that a part of closing has. Vert.x ends a client or a server when it has seen the last of its sockets end,
 * and where its own close runs beside ours that may fail to come: who closes must not wait for it for ever.
 */
public record CloseBound(Vertx vertx, long ms) {
    private static final Logger LOG = LoggerFactory.getLogger(CloseBound.class);

    /** Completes with the part, whatever it comes to, or when its time is up, which is said. */
    public Future<Void> of(String part, Future<?> end) {
        Promise<Void> done = Promise.promise();
        long timer = vertx.setTimer(ms, _ -> {
            if (done.tryComplete()) {
                LOG.warn(LogEvents.CLOSE_LATE + " part={} ms={}: closing goes on without it", part, ms);
            }
        });
        end.onComplete(_ -> {
            vertx.cancelTimer(timer);
            done.tryComplete();
        });
        return done.future();
    }
}
