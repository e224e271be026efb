// SPDX-License-Identifier: Apache-2.0

package io.muster.testing;

import io.muster.group.WriteException;
import io.muster.transfer.Channel;
import io.muster.transfer.ControlKind;
import io.muster.transfer.LossEvidence;
import io.muster.transfer.RemoteRegion;
import io.muster.transfer.WrappedChannel;
import io.muster.transfer.WriteFailures;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.TimeUnit;

/** A channel that suffers faults on what leaves over it. Two of the same channel are equal. */
record FaultyChannel(Vertx vertx, TransportFault.Strikes faults, Channel channel) implements WrappedChannel {

    static Buffer corrupted(Buffer payload) {
        Buffer copy = payload.copy();
        return copy.length() == 0 ? copy : copy.setByte(0, (byte) (copy.getByte(0) ^ 1));
    }

    @Override
    public void send(ControlKind kind, Buffer payload) {
        switch (faults.strike(TransportFault.Point.sending(kind), peer())) {
            case null -> channel.send(kind, payload);
            case TransportFault.Act.Drop(), TransportFault.Act.Hang() -> {}
            case TransportFault.Act.Delay(var by) ->
                vertx.timer(by.toMillis(), TimeUnit.MILLISECONDS).onSuccess(_ -> channel.send(kind, payload));
            case TransportFault.Act.Corrupt() -> channel.send(kind, corrupted(payload));
            case TransportFault.Act.Fail(String reason) -> channel.close(injected(reason));
        }
    }

    static LossEvidence injected(String reason) {
        return new LossEvidence(LossEvidence.Kind.PROTOCOL_ERROR, reason + " (injected)");
    }

    @Override
    public Future<Void> write(RemoteRegion region, long offset, MemorySegment source) {
        return switch (faults.strike(TransportFault.Point.WRITE, peer())) {
            case null -> channel.write(region, offset, source);
            case TransportFault.Act.Drop() -> Future.succeededFuture();
            case TransportFault.Act.Hang() -> Promise.<Void>promise().future();
            case TransportFault.Act.Delay(var by) ->
                vertx.timer(by.toMillis(), TimeUnit.MILLISECONDS).compose(_ -> channel.write(region, offset, source));
            case TransportFault.Act.Corrupt() -> {
                // left to the garbage collector: the socket may hold on to it after a failure
                MemorySegment copy =
                        Arena.ofAuto().allocate(source.byteSize(), Long.BYTES).copyFrom(source);
                copy.set(ValueLayout.JAVA_BYTE, 0, (byte) (copy.get(ValueLayout.JAVA_BYTE, 0) ^ 1));
                yield channel.write(region, offset, copy);
            }
            case TransportFault.Act.Fail(String reason) ->
                Future.failedFuture(WriteFailures.refused(
                        WriteException.Reason.FAILED,
                        reason + " (injected)",
                        region,
                        offset,
                        source.byteSize(),
                        channel.toString()));
        };
    }
}
