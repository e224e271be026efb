// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import java.util.Optional;

/** Moves bytes between processes. One instance per process; it owns the listening socket and every channel. */
public interface Transport {
    /** The name of this transport on the wire and in reports, such as {@code tcp}. */
    String name();

    /** The published address of this process. Known once the transport has started. */
    ProcessAddress address();

    /**
     * Returns the channel to a process: the open one, or the one that is being opened, or else that of a new dial. A
     * dial has the hello timeout, counted from its start. Dials beyond the limit of simultaneous ones are queued.
     *
     * @return completes on the caller's context, after {@link Listener#opened}; fails with a {@link ConnectException}
     * @throws IllegalArgumentException for this process's own address
     */
    Future<Channel> connect(ProcessAddress peer);

    /** The open channel to a process, whichever end dialled it. */
    Optional<Channel> channel(ProcessId peer);

    /**
     * Receives the events of all channels. Set once, before the transport starts. The methods are called on the
     * channel's control context and must not block. For one process, {@link #lost} of a channel is called before
     * {@link #opened} of the next one, which may be called on another context.
     */
    interface Listener {
        /** A channel is open: both hellos are done, and the bulk connection is verified in both directions. */
        void opened(Channel channel);

        /** A channel is over. Called once, after {@link Channel#isAlive()} turned false. */
        void lost(Channel channel, LossEvidence evidence);

        /**
         * A channel that this process or the peer has dialled is over, and {@link #opened} was not called. May be
         * called on any event loop of the transport.
         */
        void notOpened(ProcessAddress peer, LossEvidence evidence);

        void received(Channel channel, ControlKind kind, Buffer payload);

        /** The payload of the next liveness answer to this peer; small. */
        Buffer livenessPayload(Channel channel);

        void livenessReceived(Channel channel, Buffer payload);
    }

    /** Ends the channels over which no secret was proved. To be called when this process gets its first secret. */
    void endUnproved();

    /** Stops accepting, ends every channel, closes every socket. */
    Future<Void> close();
}
