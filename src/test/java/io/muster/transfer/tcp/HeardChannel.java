// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.GroupName;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.ControlKind;
import io.muster.transfer.LossEvidence;
import io.muster.transfer.RemoteRegion;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import java.lang.foreign.MemorySegment;
import java.util.function.BiConsumer;

/** A channel to nobody: what is sent over it is heard by a test, and what is written over it has arrived. */
public record HeardChannel(ProcessId peer, BiConsumer<ControlKind, Buffer> heard) implements Channel {
    @Override
    public ProcessAddress address() {
        return new ProcessAddress(peer, "127.0.0.1", 1);
    }

    @Override
    public ChannelGeneration generation() {
        return new ChannelGeneration(peer.high(), peer.low());
    }

    @Override
    public boolean isAlive() {
        return true;
    }

    @Override
    public void send(ControlKind kind, Buffer payload) {
        heard.accept(kind, payload);
    }

    @Override
    public Future<Void> write(RemoteRegion region, long offset, MemorySegment source) {
        return Future.succeededFuture();
    }

    @Override
    public byte[] binding() {
        return new byte[0];
    }

    @Override
    public void grant(GroupName group) {}

    @Override
    public boolean isGranted(GroupName group) {
        return false;
    }

    @Override
    public void close(LossEvidence reason) {}
}
