// SPDX-License-Identifier: Apache-2.0

package io.muster.testing;

import io.muster.group.ProcessAddress;
import io.muster.transfer.Channel;
import io.muster.transfer.ControlKind;
import io.muster.transfer.LossEvidence;
import io.muster.transfer.Transport;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.util.concurrent.TimeUnit;

/** Passes on the events of a transport, except those that faults suppress. */
record FaultyListener(Vertx vertx, TransportFault.Strikes faults, Transport.Listener listener)
        implements Transport.Listener {
    private Channel faulty(Channel channel) {
        return new FaultyChannel(vertx, faults, channel);
    }

    @Override
    public void opened(Channel channel) {
        listener.opened(faulty(channel));
    }

    @Override
    public void lost(Channel channel, LossEvidence evidence) {
        listener.lost(faulty(channel), evidence);
    }

    @Override
    public void notOpened(ProcessAddress peer, LossEvidence evidence) {
        listener.notOpened(peer, evidence);
    }

    @Override
    public void received(Channel channel, ControlKind kind, Buffer payload) {
        switch (faults.strike(TransportFault.Point.receiving(kind), channel.peer())) {
            case null -> listener.received(faulty(channel), kind, payload);
            case TransportFault.Act.Drop(), TransportFault.Act.Hang() -> {}
            case TransportFault.Act.Delay(var by) ->
                vertx.timer(by.toMillis(), TimeUnit.MILLISECONDS)
                        .onSuccess(_ -> listener.received(faulty(channel), kind, payload));
            case TransportFault.Act.Corrupt() ->
                listener.received(faulty(channel), kind, FaultyChannel.corrupted(payload));
            case TransportFault.Act.Fail(String reason) -> channel.close(FaultyChannel.injected(reason));
        }
    }

    @Override
    public Buffer livenessPayload(Channel channel) {
        return listener.livenessPayload(faulty(channel));
    }

    @Override
    public void livenessReceived(Channel channel, Buffer payload) {
        listener.livenessReceived(faulty(channel), payload);
    }
}
