// SPDX-License-Identifier: Apache-2.0

package io.muster.bus;

import io.muster.group.LogEvents;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.MessageConsumer;
import java.util.Collection;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The registration of consumers with the cluster. Vert.x makes it on its worker pool and asks other members, so it
 * takes as long as the application occupies all worker threads, or a member is frozen. A consumer gets messages of this
 * process at once, and none once it is unregistered; only messages of other processes need the registration. So no
 * start depends on it, and no end waits for it.
 */
public final class Registrations {
    private static final Logger LOG = LoggerFactory.getLogger(Registrations.class);

    /** A registration takes a few ms. Longer than that, a start would only be late. */
    private static final long PATIENCE_MS = 1000;

    private Registrations() {}

    /**
     * Completes when all are registered, or after a second, which is logged; the registration then goes on. Fails if
     * one can't be registered.
     */
    public static Future<Void> await(Vertx vertx, String address, List<MessageConsumer<?>> consumers) {
        Future<?> all =
                Future.join(consumers.stream().map(MessageConsumer::completion).toList());
        Promise<Void> done = Promise.promise();
        long timer = vertx.setTimer(PATIENCE_MS, _ -> {
            if (done.tryComplete()) {
                LOG.warn(
                        LogEvents.BUS_REGISTRATION_LATE
                                + " address={} ms={}: no worker thread of Vert.x is free, or a member of the cluster"
                                + " does not answer; until then messages of other processes do not arrive here",
                        address,
                        PATIENCE_MS);
            }
        });
        all.onComplete(_ -> vertx.cancelTimer(timer)).onComplete(_ -> done.tryComplete(), done::tryFail);
        return done.future();
    }

    /** Ends all consumers. */
    public static void end(Collection<? extends MessageConsumer<?>> consumers) {
        consumers.forEach(MessageConsumer::unregister);
    }
}
