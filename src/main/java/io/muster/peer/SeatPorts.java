// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import io.muster.group.GroupName;
import io.muster.group.Member;
import io.muster.group.ProcessAddress;
import io.muster.segment.RankEntry;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.vertx.core.Future;
import org.jspecify.annotations.Nullable;

/** What the links of one rank need from this process. May be called from any context. */
public interface SeatPorts {
    GroupName group();

    /** The rank's entry as it was last published. */
    RankEntry ownEntry();

    Future<Channel> connect(ProcessAddress address);

    /** The channel of this generation, null once it has ended. */
    @Nullable
    Channel channel(ChannelGeneration generation);

    /** The member that holds a rank of this group in this process, null if there is none. */
    @Nullable
    Member localSeat(int rank);

    /** Asks the warmup policy. If it does not answer in time, the built-in rule answers. Never fails. */
    Future<WarmupAnswer> askPolicy(RankEntry peer);

    /** The slot into which a peer writes its warmup value for this rank, over this transport. */
    WarmupSlot slot(int peer, String transport);

    /**
     * Completes when the slot for this peer in the memory of a GPU, which is polled, is cleared of earlier values.
     * Other slots are read only after a write.
     */
    Future<Void> clearSlot(int peer);

    /** Starts to poll the slots for this peer: a value in the memory of a GPU arrives without a notification. */
    void awaitSlot(int peer);

    /**
     * Writes this rank's warmup value into the peer's slot, over the transport of the session. Completes when it was
     * applied.
     */
    Future<Void> writeWarmup(int peer, RankEntry target, Session session, long value);

    long nonce();

    /** The delay with jitter. */
    long jittered(long delayMs);

    /** Records a transition, before it is published. */
    void note(LinkChange change);
}
