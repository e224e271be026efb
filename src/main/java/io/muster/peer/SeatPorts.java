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

/** What the links of one rank of this process share. May be called from any context. */
public interface SeatPorts {
    GroupName group();

    /** The rank's entry as it was last published. */
    RankEntry ownEntry();

    Future<Channel> connect(ProcessAddress address);

    /** The channel of this generation, null once it has ended. */
    @Nullable
    Channel channel(ChannelGeneration generation);

    /** Who holds a rank of this group in this process. */
    @Nullable
    Member localSeat(int rank);

    /** Asks the warmup policy, or answers for it if it does not in time. Never fails. */
    Future<WarmupAnswer> askPolicy(RankEntry peer);

    /** Where a peer writes its warmup value for this rank, over this transport. */
    WarmupSlot slot(int peer, String transport);

    /** Completes when nothing old is in the slots for this peer. */
    Future<Void> clearSlot(int peer);

    /** From now on a value may come that nobody announces: what lies in the memory of a GPU has to be looked at. */
    void awaitSlot(int peer);

    /**
     * Writes this rank's warmup value into the peer's slot, by the way that the slot is reached by; completes when it
     * was applied.
     */
    Future<Void> writeWarmup(int peer, RankEntry target, Session session, long value);

    long nonce();

    /** The delay with jitter. */
    long jittered(long delayMs);

    /** Every transition is noted here before it is published. */
    void note(LinkChange change);
}
