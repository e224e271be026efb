// SPDX-License-Identifier: Apache-2.0

package io.muster.testing;

import io.muster.Muster;
import io.muster.group.ProcessId;
import io.muster.options.MusterOptions;
import io.muster.runtime.StartDependencies;
import io.muster.transfer.Transport;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Makes the transport of one process fail as a test wishes. {@link #start} starts Muster with these faults; add and
 * heal them at any time. At each occasion the faults are asked in the order in which they were added, and the first
 * that strikes decides. Without faults nothing changes.
 */
public final class TransportFaults {
    private final List<TransportFault> faults = new CopyOnWriteArrayList<>();

    /** Adds a fault, which can strike from now on. */
    public TransportFault add(TransportFault fault) {
        faults.add(fault);
        return fault;
    }

    /** Heals and removes all faults. */
    public void healAll() {
        faults.forEach(TransportFault::heal);
        faults.clear();
    }

    TransportFault.@Nullable Act strike(TransportFault.Point point, ProcessId peer) {
        for (TransportFault fault : faults) {
            TransportFault.Act act = fault.strike(point, peer);
            if (act != null) {
                return act;
            }
        }
        return null;
    }

    /** Starts Muster as {@link Muster#start(Vertx, MusterOptions)} does, with a transport that these faults disturb. */
    public Future<Muster> start(Vertx vertx, MusterOptions options) {
        StartDependencies.USUAL.with(this::around).leaveFor(vertx);
        return Muster.start(vertx, options);
    }

    /**
     * Starts a transport with these faults around it.
     *
     * @param listener receives the events that the faults leave
     * @param start starts the transport with the listener that it is given
     */
    <T extends Transport> Future<Transport> around(
            Vertx vertx, Transport.Listener listener, Function<Transport.Listener, Future<T>> start) {
        TransportFault.Strikes strikes = this::strike; // one for all: channels with equal strikes are equal
        return start.apply(new FaultyListener(vertx, strikes, listener))
                .map(transport -> new FaultyTransport(vertx, strikes, transport));
    }
}
