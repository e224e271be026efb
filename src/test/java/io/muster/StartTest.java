// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.muster.options.GroupOptions;
import io.muster.options.MusterOptions;
import io.muster.store.InMemorySegmentStore;
import io.muster.store.SegmentStore;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.junit5.Timeout;
import io.vertx.junit5.VertxExtension;
import java.lang.reflect.Proxy;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A process starts on a store that is not ready yet. */
@ExtendWith(VertxExtension.class)
@Timeout(value = 30, timeUnit = TimeUnit.SECONDS)
class StartTest {
    private final InMemorySegmentStore.Shared shared = new InMemorySegmentStore.Shared();
    private final AtomicInteger asked = new AtomicInteger();

    /** As while other members of the cluster are starting: the listener is registered late. */
    private SegmentStore busy(InMemorySegmentStore real, int times, MusterException failure) {
        return (SegmentStore) Proxy.newProxyInstance(
                SegmentStore.class.getClassLoader(),
                new Class<?>[] {SegmentStore.class},
                (_, method, arguments) -> method.getName().equals("listen") && asked.incrementAndGet() <= times
                        ? Future.failedFuture(failure)
                        : method.invoke(real, arguments));
    }

    //
    @Test
    void listensAgainIfTheStoreWasTooBusyToAnswer(Vertx vertx) {
        var id = ProcessId.random(RandomGenerator.getDefault());
        SegmentStore store = busy(
                shared.store(vertx.getOrCreateContext(), id), 3, MusterException.retry("not answered after 3000 ms"));

        Muster muster = Bounded.await(Muster.start(vertx, store, id, MusterOptions.defaults()), "starting Muster");

        assertThat(asked).hasValue(4);
        InMemoryCluster.await(Bounded.await(muster.join(GroupOptions.of("g", 0, 1)), "joining the group"));
        Bounded.await(muster.close(), "closing Muster");
    }

    @Test
    void givesUpAtOnceAfterAFatalError(Vertx vertx) {
        var id = ProcessId.random(RandomGenerator.getDefault());
        SegmentStore gone = busy(
                shared.store(vertx.getOrCreateContext(), id), Integer.MAX_VALUE, MusterException.fatal("shut down"));

        assertThatThrownBy(
                        () -> Bounded.await(Muster.start(vertx, gone, id, MusterOptions.defaults()), "starting Muster"))
                .hasMessage("shut down");
        assertThat(asked).hasValue(1);
    }
}
