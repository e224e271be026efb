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
 * The connections between this process and one other: one control connection for small ordered messages and liveness,
 * one bulk connection for writes. Shared by all ranks and groups that the two have in common. Ends as a whole when any
 * of its sockets ends, and never comes back: its successor has another generation. All methods may be called from any
 * thread.
 */
public interface Channel {
    ProcessId peer();

    ProcessAddress address();

    ChannelGeneration generation();

    /**
     * False from the moment at which the loss was seen, before any listener is told: a proof that was obtained over
     * this channel must not count once this is false (P-12).
     */
    boolean isAlive();

    /**
     * Sends a small message on the control connection. Messages arrive in order or the channel ends; over a dead
     * channel it is dropped.
     */
    void send(ControlKind kind, Buffer payload);

    /**
     * Writes into registered memory of the peer, over the bulk connection.
     *
     * @param source off-heap, accessible from every thread; must stay valid and unchanged until the future completes,
     *     also with a failure
     * @return completes when the bytes have been applied at the destination (P-5); fails with a {@link WriteException}
     *     otherwise
     */
    Future<Void> write(RemoteRegion region, long offset, MemorySegment source);

    /**
     * What names this channel and no other: both processes, both nonces, the TLS session where there is one. The same
     * at both ends; what is signed with it can't be used over another channel.
     */
    byte[] binding();

    /**
     * The peer has proved over this channel that it knows the secret of this group: from now on it may write into the
     * group's regions here.
     */
    void grant(GroupName group);

    /** Whether that has happened. */
    boolean isGranted(GroupName group);

    /** Ends the channel from this side, with a reason that the other end is told. */
    void close(LossEvidence reason);
}
