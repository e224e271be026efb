// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

import io.muster.group.GroupName;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import java.lang.foreign.MemorySegment;

/** A channel that delegates to another one every method that it does not override. */
public interface WrappedChannel extends Channel {
    /** The channel to delegate to. */
    Channel channel();

    @Override
    default ProcessId peer() {
        return channel().peer();
    }

    @Override
    default ProcessAddress address() {
        return channel().address();
    }

    @Override
    default ChannelGeneration generation() {
        return channel().generation();
    }

    @Override
    default boolean isAlive() {
        return channel().isAlive();
    }

    @Override
    default void send(ControlKind kind, Buffer payload) {
        channel().send(kind, payload);
    }

    @Override
    default Future<Void> write(RemoteRegion region, long offset, MemorySegment source) {
        return channel().write(region, offset, source);
    }

    @Override
    default Future<Void> prove() {
        return channel().prove();
    }

    @Override
    default byte[] binding() {
        return channel().binding();
    }

    @Override
    default void grant(GroupName group) {
        channel().grant(group);
    }

    @Override
    default boolean isGranted(GroupName group) {
        return channel().isGranted(group);
    }

    @Override
    default void close(LossEvidence reason) {
        channel().close(reason);
    }
}
