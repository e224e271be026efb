package io.muster;

import io.muster.group.GroupName;
import io.muster.group.ProcessId;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.ControlKind;
import io.muster.transfer.LossEvidence;
import io.muster.transfer.ProcessAddress;
import io.muster.transfer.RemoteRegion;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import java.lang.foreign.MemorySegment;

/** A channel as one group with a secret uses it: what it sends is signed. */
record SealedChannel(Channel channel, GroupSeals seals) implements Channel {
  @Override
  public void send(ControlKind kind, Buffer payload) {
    ControlKind sealed = switch (kind) {
      case LINK -> ControlKind.SEALED_LINK;
      case CLAIM -> ControlKind.SEALED_CLAIM;
      case SEALED_LINK, SEALED_CLAIM -> throw new IllegalArgumentException("sealed already: " + kind);
      case GOSSIP, VIEW, TRANSFER -> null; // carries the store's signature, or is believed of whoever has a channel and its grants
    };
    if (sealed == null) {
      channel.send(kind, payload);
    } else {
      channel.send(sealed, seals.seal(channel, sealed, payload));
    }
  }

  @Override
  public ProcessId peer() {
    return channel.peer();
  }

  @Override
  public ProcessAddress address() {
    return channel.address();
  }

  @Override
  public ChannelGeneration generation() {
    return channel.generation();
  }

  @Override
  public boolean isAlive() {
    return channel.isAlive();
  }

  @Override
  public Future<Void> write(RemoteRegion region, long offset, MemorySegment source) {
    return channel.write(region, offset, source);
  }

  @Override
  public byte[] binding() {
    return channel.binding();
  }

  @Override
  public boolean isGranted(GroupName group) {
    return channel.isGranted(group);
  }

  @Override
  public void grant(GroupName group) {
    channel.grant(group);
  }

  @Override
  public void close(LossEvidence reason) {
    channel.close(reason);
  }
}
