// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.group.LifeId;
import io.muster.store.SegmentStore;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.security.SecureRandom;
import java.util.concurrent.ThreadLocalRandom;

/** The {@link GroupPorts} of production: the store, clock and randomness, on the context of the group's verticle. */
final class VerticlePorts implements GroupPorts {
    private final GroupServices services;
    private final Context context;
    private final SegmentStore store;
    private final Listener listener;
    private final SecureRandom random = new SecureRandom();

    VerticlePorts(GroupServices services, Context context, Listener listener) {
        this.services = services;
        this.context = context;
        this.store = new StoreOnContext(services.store(), context);
        this.listener = listener;
    }

    @Override
    public SegmentStore store() {
        return store;
    }

    @Override
    public long wallClockMs() {
        return System.currentTimeMillis();
    }

    @Override
    public long nanoTime() {
        return System.nanoTime();
    }

    @Override
    public LifeId newLife() {
        return LifeId.random(random);
    }

    @Override
    public void after(long delayMs, Runnable task) {
        if (delayMs <= 0) {
            context.runOnContext(_ -> task.run());
        } else {
            context.owner().setTimer(delayMs, _ -> task.run());
        }
    }

    @Override
    public long randomUpTo(long maxMs) {
        return ThreadLocalRandom.current().nextLong(maxMs + 1);
    }

    @Override
    public Links links() {
        return services.links();
    }

    @Override
    public Network network() {
        return services.network();
    }

    @Override
    public <T> Future<T> here(Future<T> there) {
        Promise<T> here = Promise.promise();
        there.onComplete(outcome -> context.runOnContext(_ -> here.handle(outcome)));
        return here.future();
    }

    @Override
    public GroupPorts.Listener listener() {
        return listener;
    }
}
