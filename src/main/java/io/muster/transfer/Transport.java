// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import java.util.Optional;

/** A way to move bytes between processes. One instance per process; owns the listening socket and every channel. */
public interface Transport {
    /** The transport's word on the wire and in reports: {@code tcp}. */
    String name();

    /** Where this process can be dialled, as it is published; known once the transport has started. */
    ProcessAddress address();

    /**
     * The channel to a process: the living one, or the one being dialled, or a new dial. Bounded by the hello deadline
     * from when the dial starts; dials beyond the limit wait their turn.
     *
     * @return completes on the caller's context, after {@link Listener#opened}; fails with a {@link ConnectException}
     * @throws IllegalArgumentException for this process's own address
     */
    Future<Channel> connect(ProcessAddress peer);

    /** The living channel to a process, whoever dialled it. */
    Optional<Channel> channel(ProcessId peer);

    /**
     * Set once, before the transport starts. Its methods are called on the channel's control context and must not
     * block. Of one process, {@link #lost} of a channel comes before {@link #opened} of the next, which may come on
     * another context.
     */
    interface Listener {
        /** A channel is up: both hellos done, the bulk connection verified in both directions. */
        void opened(Channel channel);

        /** A channel is over. Called once, after {@link Channel#isAlive()} has turned false. */
        void lost(Channel channel, LossEvidence evidence);

        void received(Channel channel, ControlKind kind, Buffer payload);

        /** What the next liveness answer to this peer is to carry; small. */
        Buffer livenessPayload(Channel channel);

        void livenessReceived(Channel channel, Buffer payload);
    }

    /** Ends the channels over which no secret was proved; to be called when this process gets its first. */
    void endUnproved();

    /** Stops accepting, ends every channel, closes every socket. */
    Future<Void> close();
}
