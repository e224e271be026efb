// SPDX-License-Identifier: Apache-2.0

package io.muster.testing;

import io.muster.Muster;
import io.muster.group.ProcessId;
import io.muster.options.MusterOptions;
import io.muster.runtime.StartDependencies;
import io.muster.store.InMemorySegmentStore;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.security.SecureRandom;

/**
 * A store in the memory of this JVM, for tests that need no cluster. Every Muster that is started over the same store
 * is a process of the same cluster. Each needs a Vert.x of its own, which need not be clustered.
 */
public final class InMemoryStore {
    private final InMemorySegmentStore.Shared shared = new InMemorySegmentStore.Shared();

    /**
     * Starts a process over this store.
     *
     * @return fails with CONFIG if a setting is wrong, or the address or port can't be had
     */
    public Future<Muster> start(Vertx vertx, MusterOptions options) {
        return start(vertx, options, StartDependencies.USUAL);
    }

    /** The same with a transport that these faults disturb. */
    public Future<Muster> start(Vertx vertx, MusterOptions options, TransportFaults faults) {
        return start(vertx, options, StartDependencies.USUAL.with(faults::around));
    }

    private Future<Muster> start(Vertx vertx, MusterOptions options, StartDependencies around) {
        ProcessId id = ProcessId.random(new SecureRandom());
        around.with(new StartDependencies.OwnStore(shared.store(vertx.getOrCreateContext(), id), id))
                .leaveFor(vertx);
        return Muster.start(vertx, options);
    }
}
