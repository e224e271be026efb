// SPDX-License-Identifier: Apache-2.0

package io.muster.testing;

import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.transfer.Channel;
import io.muster.transfer.ConnectException;
import io.muster.transfer.Transport;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.Optional;

/** A transport whose dials and channels suffer faults. */
final class FaultyTransport implements Transport {
    private final Vertx vertx;
    private final TransportFault.Strikes faults;
    private final Transport transport;

    FaultyTransport(Vertx vertx, TransportFault.Strikes faults, Transport transport) {
        this.vertx = vertx;
        this.faults = faults;
        this.transport = transport;
    }

    @Override
    public String name() {
        return transport.name();
    }

    @Override
    public ProcessAddress address() {
        return transport.address();
    }

    @Override
    public Future<Channel> connect(ProcessAddress peer) {
        return switch (faults.strike(TransportFault.Point.DIAL, peer.process())) {
            case null -> dial(peer);
            case TransportFault.Act.Fail(String reason) ->
                Future.failedFuture(new ConnectException(
                        ConnectException.Kind.UNREACHABLE, "can't connect to " + peer + ": " + reason + " (injected)"));
            case TransportFault.Act.Hang() -> Promise.<Channel>promise().future();
            case TransportFault.Act.Delay(var by) ->
                vertx.timer(by.toMillis(), java.util.concurrent.TimeUnit.MILLISECONDS)
                        .compose(_ -> dial(peer));
            case TransportFault.Act.Drop(), TransportFault.Act.Corrupt() ->
                throw new IllegalStateException("refused when the fault was made");
        };
    }

    private Future<Channel> dial(ProcessAddress peer) {
        return transport.connect(peer).map(channel -> new FaultyChannel(vertx, faults, channel));
    }

    @Override
    public Optional<Channel> channel(ProcessId peer) {
        return transport.channel(peer).map(channel -> new FaultyChannel(vertx, faults, channel));
    }

    @Override
    public void endUnproved() {
        transport.endUnproved();
    }

    @Override
    public Future<Void> close() {
        return transport.close();
    }
}
