// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

import io.muster.group.GroupName;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.group.WriteException;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import java.lang.foreign.MemorySegment;

/**
 * The connections between this process and one other process (the peer): a control connection for small ordered
 * messages and liveness, and a bulk connection for writes. All ranks and groups that the two processes have in common
 * share it. The channel ends as a whole when any of its sockets ends. It is never reopened: the next channel to the
 * same process has another generation. All methods may be called from any thread.
 */
public interface Channel {
    ProcessId peer();

    ProcessAddress address();

    ChannelGeneration generation();

    /**
     * Turns false when the loss is detected, before any listener is called. A proof that was obtained over this channel
     * is not valid once this is false (P-12).
     */
    boolean isAlive();

    /**
     * Sends a small message on the control connection. Either the messages arrive in order, or the channel ends. A
     * message for a channel that is over is dropped.
     */
    void send(ControlKind kind, Buffer payload);

    /**
     * Writes into registered memory of the peer, over the bulk connection.
     *
     * @param source off-heap memory that is accessible from every thread; must stay valid and unchanged until the
     *     future completes, also if it fails
     * @return completes when the bytes were applied at the destination (P-5); fails with a {@link WriteException}
     *     otherwise
     */
    Future<Void> write(RemoteRegion region, long offset, MemorySegment source);

    /**
     * Proves that the bulk connection still carries bytes to the peer. A connection that lies idle may die without a
     * sign: liveness messages use the other connection.
     *
     * @return completes at once if bytes have arrived there within the liveness limit, else when a small frame has
     *     arrived; fails with RETRY if the channel ends first
     */
    Future<Void> prove();

    /**
     * Bytes that identify this channel: both processes, both nonces, and the TLS session if there is one. Both ends
     * compute the same bytes. A signature over them is not valid on any other channel.
     */
    byte[] binding();

    /**
     * Allows the peer to write into the regions of this group. To be called when the peer has proved over this channel
     * that it knows the group's secret.
     */
    void grant(GroupName group);

    /** Whether {@link #grant} was called for this group. */
    boolean isGranted(GroupName group);

    /** Ends the channel from this side. The reason is sent to the peer. */
    void close(LossEvidence reason);
}
