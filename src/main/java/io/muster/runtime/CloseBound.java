// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.group.LogEvents;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A timeout for a part of closing. Vert.x closes a client or a server when the last of its sockets has ended. If Vert.x
 * itself is closed at the same time, it may never signal that, so closing has a timeout.
 */
public record CloseBound(Vertx vertx, long ms) {
    private static final Logger LOG = LoggerFactory.getLogger(CloseBound.class);

    /** Completes when the part has ended, in success or failure, or when its time is up, which is logged. */
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
