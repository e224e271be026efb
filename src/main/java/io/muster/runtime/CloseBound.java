// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.group.LogEvents;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One time limit over all parts of closing. Vert.x closes a client or a server when the last of its sockets has ended,
 * and may never signal it while it is itself being closed; the store may not answer; a transfer may not end. A part
 * that has not ended when the time is up is abandoned. The later parts are started in any case, and not waited for.
 */
public final class CloseBound {
    private static final Logger LOG = LoggerFactory.getLogger(CloseBound.class);

    private final Vertx vertx;
    private final long ms;
    private final long endNanos;

    /** @param ms limit of all parts together, from now on */
    public CloseBound(Vertx vertx, long ms) {
        this.vertx = vertx;
        this.ms = ms;
        this.endNanos = System.nanoTime() + ms * 1_000_000;
    }

    /**
     * Starts a part. Completes when it has ended, in success or failure, or when the time is up, which is logged. If
     * the time is up already, completes at once.
     */
    public Future<Void> of(String part, Supplier<? extends Future<?>> start) {
        Promise<Void> done = Promise.promise();
        Future<?> end = started(start);
        long leftMs = (endNanos - System.nanoTime()) / 1_000_000;
        if (end.isComplete() || leftMs <= 0) {
            return Future.succeededFuture();
        }
        long timer = timer(leftMs, () -> {
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

    private static Future<?> started(Supplier<? extends Future<?>> start) {
        try {
            return start.get();
        } catch (RuntimeException failure) {
            return Future.failedFuture(failure);
        }
    }

    private long timer(long delayMs, Runnable task) {
        try {
            return vertx.setTimer(delayMs, _ -> task.run());
        } catch (RejectedExecutionException _) {
            task.run(); // Vert.x is closed: nothing of the part can end any more
            return -1;
        }
    }
}
