package io.muster.peer;

import io.muster.group.GroupName;
import io.muster.group.Member;
import io.muster.segment.RankEntry;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.ProcessAddress;
import io.vertx.core.Future;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** What the links of one rank of this process share. May be called from any context. */
public interface SeatPorts {
  GroupName group();

  /** The life that holds the seat, null before and after. */
  @Nullable Member self();

  /** The rank's entry as it was last published. */
  RankEntry ownEntry();

  Future<Channel> connect(ProcessAddress address);

  /** The channel of this generation, null once it has ended. */
  @Nullable Channel channel(ChannelGeneration generation);

  /** Who holds a rank of this group in this process. */
  @Nullable Member localSeat(int rank);

  /** Asks the warmup policy, or answers for it if it does not in time. Never fails. */
  Future<WarmupAnswer> askPolicy(RankEntry peer);

  /** Where a peer writes its warmup value for this rank. */
  WarmupSlot slot(int peer);

  void clearSlot(int peer);

  /** Eight bytes from which this rank's warmup value for a peer is sent. */
  MemorySegment outgoing(int peer);

  long nonce();

  /** The delay with jitter. */
  long jittered(long delayMs);

  /** The link to this peer is closed and its verticle down. */
  default void ended(int peer) {}

  /** Every transition is noted here before it is published. */
  void note(LinkChange change);
}
