// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.WriteException;
import io.muster.transfer.WriteFailures;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.vertx.core.Vertx;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Sends the writes of this process over one bulk connection, one chunk of each in turn, and completes them when they
 * are acknowledged. Only small chunks are copied; larger ones are sent from the caller's memory. So a write never
 * completes while the socket still refers to its memory, and if that is the case at its deadline, the channel ends.
 * {@link #submit} may be called from any thread; everything else happens on the connection's event loop.
 */
final class BulkSender {
    private static final WriteException.Reason[] REASONS = WriteException.Reason.values();
    /**
     * The most writes that are sent and not acknowledged; further ones are queued. A receiver takes no more than this,
     * which bounds its memory.
     */
    static final int MAX_UNANSWERED = 16_384;

    private static final int COPIED_BYTES = 4_096;
    private static final int BATCH_BYTES = 512 * 1024;
    private static final int MAX_ACK_BACKLOG_BYTES = 4 * 1024 * 1024;

    private final Vertx vertx;
    private final RawSocket socket;
    private final int chunkBytes;
    private final int timeoutMs;
    private final String peer;
    private final Consumer<String> stalled;
    /** Filled by callers' threads, emptied by the event loop. */
    private final Queue<BulkWrite> inbox = new ConcurrentLinkedQueue<>();
    /** True while {@link #pump} is scheduled; set by callers' threads, cleared by the event loop. */
    private final AtomicBoolean due = new AtomicBoolean();

    private final Map<Long, BulkWrite> unanswered = new LinkedHashMap<>();
    private final ArrayDeque<BulkWrite> sendable = new ArrayDeque<>();
    /** Writes that have failed, but whose memory the socket still refers to. */
    private final Set<BulkWrite> settling = new HashSet<>();

    private @Nullable ByteBuf acks;
    private int ackBytesInSocket;
    private long nextRequest = 1;
    /** The timer of the oldest deadline, -1 if none runs. */
    private long timer = -1;

    private @Nullable String ended;

    /** @param stalled called when the socket has not taken a write within the deadline: the channel must end */
    BulkSender(Vertx vertx, RawSocket socket, int chunkBytes, int timeoutMs, String peer, Consumer<String> stalled) {
        this.vertx = vertx;
        this.socket = socket;
        this.chunkBytes = chunkBytes;
        this.timeoutMs = timeoutMs;
        this.peer = peer;
        this.stalled = stalled;
        socket.limitQueue(2 * BATCH_BYTES);
        socket.onDrain(this::pump);
    }

    void submit(BulkWrite write) {
        inbox.add(write);
        if (due.compareAndSet(false, true)) {
            socket.context().runOnContext(_ -> pump());
        }
    }

    void ack(long request, int status, String detail) {
        if (acks == null) {
            acks = socket.buffer(256);
        }
        BulkParser.encodeAck(acks, request, status, detail);
    }

    /**
     * Sends the collected acknowledgements.
     *
     * @return a clause if the peer does not read them, else null
     */
    @Nullable
    String flushAcks() {
        ByteBuf out = acks;
        if (out == null) {
            return null;
        }
        acks = null;
        int bytes = out.readableBytes();
        ackBytesInSocket += bytes;
        socket.write(out).onComplete(_ -> ackBytesInSocket -= bytes);
        return ackBytesInSocket > MAX_ACK_BACKLOG_BYTES
                ? "it does not read its acknowledgements: " + ackBytesInSocket + " bytes are unsent"
                : null;
    }

    @Nullable
    String answered(long request, int status, String detail) {
        if (status > REASONS.length) {
            return "an acknowledgement with status " + status;
        }
        BulkWrite write = unanswered.remove(request);
        if (write == null) {
            return null; // its deadline has passed
        }
        if (status == 0) {
            if (write.sent < write.length()) {
                return "an acknowledgement of write " + request + " before all of it was sent";
            }
            write.promise.complete();
        } else {
            settle(
                    write,
                    WriteFailures.refused(
                            REASONS[status - 1], detail, write.region, write.offset, write.length(), peer));
        }
        if (!sendable.isEmpty()) {
            pump();
        }
        return null;
    }

    /** The socket is closed, and refers to no memory of callers any more. */
    void end(String evidence) {
        ended = evidence;
        if (timer >= 0) {
            vertx.cancelTimer(timer); // it would keep this object and both sockets alive until the deadline
            timer = -1;
        }
        pump();
        if (acks != null) {
            acks.release();
            acks = null;
        }
        List<BulkWrite> writes = new ArrayList<>(unanswered.values());
        writes.addAll(settling);
        unanswered.clear();
        settling.clear();
        sendable.clear();
        writes.forEach(write -> fail(write, evidence));
    }

    private void pump() {
        due.set(false);
        for (BulkWrite write = inbox.poll(); write != null; write = inbox.poll()) {
            if (ended != null) {
                fail(write, ended);
            } else {
                admit(write);
            }
        }
        boolean more = ended == null;
        while (more && !sendable.isEmpty() && !socket.full()) {
            more = sendBatch();
        }
    }

    private void fail(BulkWrite write, String evidence) {
        write.promise.tryFail(
                write.verdict != null
                        ? write.verdict
                        : WriteFailures.lost(evidence, write.region, write.offset, write.length(), peer));
    }

    private void admit(BulkWrite write) {
        if (!write.source.isAccessibleBy(Thread.currentThread())) {
            write.promise.fail(WriteFailures.refused(
                    WriteException.Reason.FAILED,
                    "the source is confined to one thread: allocate it in a shared arena",
                    write.region,
                    write.offset,
                    write.length(),
                    peer));
            return;
        }
        write.request = nextRequest++;
        write.deadlineNanos = System.nanoTime() + timeoutMs * 1_000_000L;
        unanswered.put(write.request, write);
        sendable.add(write);
        if (timer < 0) {
            timer = vertx.setTimer(timeoutMs, _ -> expire());
        }
    }

    /** False if nothing could be sent. */
    private boolean sendBatch() {
        List<ByteBuf> parts = new ArrayList<>();
        List<BulkWrite> wrapped = new ArrayList<>();
        ByteBuf small = socket.buffer(1_024);
        int bytes = 0;
        while (bytes < BATCH_BYTES && parts.size() < 256 && !sendable.isEmpty() && inWindow(sendable.peek())) {
            BulkWrite write = sendable.poll();
            int length = (int) Math.min(write.length() - write.sent, chunkBytes);
            if (length == 0) {
                continue; // it failed while it was queued
            }
            new BulkParser.ChunkHeader(
                            write.request,
                            write.region.id(),
                            write.region.key(),
                            write.offset,
                            write.length(),
                            write.sent)
                    .encode(small, length);
            var source = write.source.asSlice(write.sent, length).asByteBuffer();
            if (length <= COPIED_BYTES) {
                small.writeBytes(source);
            } else {
                parts.add(small);
                parts.add(Unpooled.wrappedBuffer(source));
                wrapped.add(write);
                write.batchesInSocket++;
                small = socket.buffer(1_024);
            }
            write.sent += length;
            bytes += length + Frame.HEAD_BYTES + BulkParser.ChunkHeader.BYTES;
            if (write.sent < write.length()) {
                sendable.add(write);
            }
        }
        parts.add(small);
        ByteBuf batch = Unpooled.wrappedBuffer(parts.size(), parts.toArray(ByteBuf[]::new));
        if (bytes == 0) {
            batch.release();
            return false;
        }
        socket.write(batch).onComplete(_ -> wrapped.forEach(this::letGo));
        return true;
    }

    private boolean inWindow(BulkWrite write) {
        Iterator<Long> requests = unanswered.keySet().iterator();
        return write.sent > 0 || !requests.hasNext() || write.request - requests.next() < MAX_UNANSWERED;
    }

    private void letGo(BulkWrite write) {
        write.batchesInSocket--;
        if (write.batchesInSocket == 0 && write.verdict != null && settling.remove(write)) {
            write.promise.tryFail(write.verdict);
        }
    }

    /** Fails a write as soon as the socket does not refer to its memory any more. */
    private void settle(BulkWrite write, WriteException verdict) {
        write.sent = write.length(); // nothing more of it goes out
        write.verdict = verdict;
        if (write.batchesInSocket == 0) {
            write.promise.tryFail(verdict);
        } else {
            settling.add(write);
        }
    }

    private void expire() {
        timer = -1;
        long now = System.nanoTime();
        while (ended == null && !unanswered.isEmpty()) {
            BulkWrite write = unanswered.values().iterator().next();
            long leftMs = (write.deadlineNanos - now) / 1_000_000;
            if (leftMs > 0) {
                timer = vertx.setTimer(leftMs, _ -> expire());
                return;
            }
            unanswered.remove(write.request);
            boolean stuck = write.sent > 0 && (write.sent < write.length() || write.batchesInSocket > 0);
            settle(write, WriteFailures.timeout(timeoutMs, write.region, write.offset, write.length(), peer));
            if (stuck) {
                settling.add(write);
                stalled.accept("its bulk connection did not take a write of " + write.length() + " bytes within "
                        + timeoutMs + " ms");
            }
        }
    }
}
