// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.transfer.ControlKind;
import io.netty.buffer.ByteBuf;
import io.vertx.core.buffer.Buffer;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * Sends small frames over the control connection. All frames that were offered before the event loop gets to it are
 * sent with one flush. {@link #offer} may be called from any thread.
 */
final class ControlSender {
    /** A queued frame. */
    private record Outgoing(byte type, int kind, Buffer payload) {
        int bodyBytes() {
            return (kind < 0 ? 0 : 1) + payload.length();
        }
    }

    private static final int NO_KIND = -1;
    private static final long MAX_BACKLOG_BYTES = 64L * 1024 * 1024;

    private final RawSocket socket;
    private final Consumer<String> overflow;
    /** Callers' threads and the event loop meet here and in the three fields below. */
    private final Queue<Outgoing> queue = new ConcurrentLinkedQueue<>();

    private final AtomicBoolean due = new AtomicBoolean();
    private final AtomicLong backlogBytes = new AtomicLong();
    private final AtomicLong flushes = new AtomicLong();

    /** @param overflow called when the peer does not read: the channel must end */
    ControlSender(RawSocket socket, Consumer<String> overflow) {
        this.socket = socket;
        this.overflow = overflow;
    }

    void offer(ControlKind kind, Buffer payload) {
        offer(new Outgoing(Frame.CONTROL, kind.ordinal(), payload));
    }

    void offer(byte type, Buffer payload) {
        offer(new Outgoing(type, NO_KIND, payload));
    }

    /** Number of flushes of the socket. */
    long flushes() {
        return flushes.get();
    }

    private void offer(Outgoing outgoing) {
        if (backlogBytes.addAndGet(outgoing.bodyBytes() + Frame.HEAD_BYTES) > MAX_BACKLOG_BYTES) {
            overflow.accept(
                    "it does not read its control connection: more than " + MAX_BACKLOG_BYTES + " bytes are unsent");
            return;
        }
        queue.add(outgoing);
        if (due.compareAndSet(false, true)) {
            socket.context().runOnContext(_ -> flush());
        }
    }

    /** Sends what is queued, then this frame, also if memory for what is queued can't be had. On the event loop. */
    void last(byte type, Buffer payload) {
        flush();
        ByteBuf frame = socket.buffer(Frame.HEAD_BYTES + payload.length());
        Frame.head(frame, type, payload.length());
        socket.writeLast(frame.writeBytes(payload.getBytes()));
    }

    /** On the event loop. */
    void flush() {
        due.set(false);
        ByteBuf batch = null;
        for (Outgoing next = queue.poll(); next != null; next = queue.poll()) {
            if (batch == null) {
                batch = socket.buffer(Math.max(256, next.bodyBytes() + Frame.HEAD_BYTES));
            }
            Frame.head(batch, next.type(), next.bodyBytes());
            if (next.kind() >= 0) {
                batch.writeByte(next.kind());
            }
            batch.writeBytes(next.payload().getBytes());
        }
        if (batch == null) {
            return;
        }
        if (socket.closed()) {
            batch.release();
            return;
        }
        int bytes = batch.readableBytes();
        flushes.incrementAndGet();
        socket.write(batch).onComplete(_ -> backlogBytes.addAndGet(-bytes));
    }
}
