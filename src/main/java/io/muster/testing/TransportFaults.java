// SPDX-License-Identifier: Apache-2.0

package io.muster.testing;

import io.muster.group.ProcessId;
import io.muster.transfer.Transport;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Makes the way between processes fail as a test wishes, on one side, while Muster runs as ever: give it to
 * {@code Muster.start(vertx, options, faults)}, add and heal faults at any time. Faults are looked at in the order in
 * which they were added; the first that strikes decides. Without faults it changes nothing.
 */
public final class TransportFaults {
    private final List<TransportFault> faults = new CopyOnWriteArrayList<>();

    /** From now on. */
    public TransportFault add(TransportFault fault) {
        faults.add(fault);
        return fault;
    }

    /** Nothing goes wrong any more. */
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

    /**
     * Starts a transport with these faults around it.
     *
     * @param listener hears what they leave of what arrives
     * @param start given the listener that the transport itself is to have
     */
    public <T extends Transport> Future<Transport> around(
            Vertx vertx, Transport.Listener listener, Function<Transport.Listener, Future<T>> start) {
        return start.apply(new FaultyListener(vertx, this, listener))
                .map(transport -> new FaultyTransport(vertx, this, transport));
    }
}
