// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.MusterException;
import io.muster.group.WriteException;
import io.muster.transfer.HostMemory;
import io.muster.transfer.WriteFailures;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Sends the writes of this process over one bulk connection, one chunk of each in turn, and completes them when they
 * are acknowledged. {@link #submit} may be called from any thread; everything else happens on the connection's event
 * loop.
 *
 * <p><b>Copies.</b> Each chunk is copied into a buffer of the socket. So the socket never refers to memory of a caller,
 * and an application that frees a source too early harms this write only: the copy fails, the write fails, and the peer
 * is told to forget the part that it has.
 *
 * <p><b>Progress.</b> The peer reports how many bytes of this connection it has read ({@link #arrived}). A write whose
 * bytes are still on their way has its full time again with each byte that arrives. If bytes are on their way and none
 * has arrived for that time, the path is dead, and the channel ends.
 */
final class BulkSender {
    private static final WriteException.Reason[] REASONS = WriteException.Reason.values();
    /**
     * The most writes that are sent and not acknowledged; further ones are queued. A receiver takes no more than this,
     * which bounds its memory.
     */
    static final int MAX_UNANSWERED = 16_384;

    private static final int SMALL_BYTES = 4_096;
    private static final int BATCH_BYTES = 512 * 1024;
    private static final int MAX_ACK_BACKLOG_BYTES = 4 * 1024 * 1024;

    /** Waits until the byte before this position has arrived. */
    private record Proof(long at, Promise<Void> proved) {}

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
    private final ArrayDeque<Proof> proofs = new ArrayDeque<>();
    private final PathProgress progress = new PathProgress();
    private long probeEndsAt;
    /** Bytes sent by the last keepalive. */
    private long sentBefore;

    private @Nullable ByteBuf acks;
    private int ackBytesInSocket;
    private long nextRequest = 1;
    /** The timer of the next deadline, -1 if none runs. */
    private long timer = -1;

    private @Nullable String ended;

    /** @param stalled called when no byte has arrived within the deadline: the channel must end */
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

    /** Sends these frames. All bytes of the connection that follow its hello pass through here. */
    void send(ByteBuf frames) {
        sent(frames);
    }

    private Future<Void> sent(ByteBuf frames) {
        progress.sent(frames.readableBytes(), System.nanoTime());
        expireIn(timeoutMs);
        return socket.write(frames);
    }

    /** Whether bytes are on their way. From any thread. */
    boolean isWaiting() {
        return progress.isWaiting();
    }

    /** Whether bytes have arrived at the peer within this time. From any thread. */
    boolean isFresh(long withinNanos) {
        return progress.isFresh(withinNanos, System.nanoTime());
    }

    /** The peer has answered the path probe: all that was sent before it has arrived. */
    void probed() {
        progress.arrived(probeEndsAt, System.nanoTime());
    }

    /** Sends the path probe. */
    void sendProbe(ByteBuf probe) {
        send(probe);
        probeEndsAt = progress.sent();
    }

    /** Completes when bytes have arrived at the peer within the time before now; sends some if necessary. */
    void prove(long withinNanos, Promise<Void> proved) {
        String over = ended;
        if (over != null) {
            Node.guarded(() -> proved.fail(unproved(over)));
        } else if (isFresh(withinNanos)) {
            Node.guarded(proved::complete);
        } else {
            send(BulkParser.encodeFill(socket.buffer(Frame.HEAD_BYTES), 0));
            proofs.add(new Proof(progress.sent(), proved));
        }
    }

    /**
     * To be called once per keepalive interval. If nothing was sent since the last call, sends a small frame, and when
     * that has arrived, one that is longer than a packet.
     */
    void keepAlive() {
        if (progress.sent() == sentBefore) {
            Promise<Void> proved = Promise.promise();
            proved.future().onSuccess(_ -> pad());
            prove(0, proved);
        }
        sentBefore = progress.sent();
    }

    private void pad() {
        int bytes = BulkParser.PADDED_FILL_BYTES;
        send(BulkParser.encodeFill(socket.buffer(Frame.HEAD_BYTES + bytes), bytes));
        progress.padded(Frame.HEAD_BYTES + bytes);
        sentBefore = progress.sent();
    }

    private MusterException unproved(String evidence) {
        return MusterException.retry("the connection to " + peer + " ended before its path was proved: " + evidence);
    }

    /** The peer has read so many bytes of this connection, or a clause that says why that can't be. */
    @Nullable
    String arrived(long bytes) {
        long now = System.nanoTime();
        if (bytes > progress.sent()) {
            return "it has read " + bytes + " bytes of " + progress.sent() + " that were sent";
        }
        if (progress.reported(bytes, now)) {
            for (BulkWrite write : unanswered.values()) {
                if (!write.arrived) {
                    write.deadlineNanos = now + timeoutMs * 1_000_000L;
                    write.arrived = write.sent == write.length() && write.endsAt <= bytes;
                }
            }
        }
        for (Proof proof = proofs.peek(); proof != null && proof.at() <= bytes; proof = proofs.peek()) {
            proofs.poll();
            Node.guarded(proof.proved()::complete);
        }
        return null;
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
        sent(out).onComplete(_ -> ackBytesInSocket -= bytes);
        return ackBytesInSocket > MAX_ACK_BACKLOG_BYTES
                ? "it does not read its acknowledgements: " + ackBytesInSocket + " bytes are unsent"
                : null;
    }

    @Nullable
    String answered(long request, int status, String detail) {
        if (status > REASONS.length) {
            return "an acknowledgement with status " + status;
        }
        BulkWrite write = unanswered.get(request);
        if (write == null) {
            return null; // its deadline has passed
        }
        if (status == 0 && write.sent < write.length()) {
            return "an acknowledgement of write " + request + " before all of it was sent";
        }
        progress.arrived(write.sent == write.length() ? write.endsAt : 0, System.nanoTime());
        drop(write);
        if (status == 0) {
            Node.guarded(write.promise::complete);
        } else {
            fail(
                    write,
                    WriteFailures.refused(
                            REASONS[status - 1], detail, write.region, write.offset, write.length(), peer));
        }
        if (!sendable.isEmpty()) {
            pump();
        }
        return null;
    }

    /** The socket is closed. */
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
        unanswered.clear();
        sendable.clear();
        writes.forEach(write -> fail(write, lost(write, evidence)));
        proofs.forEach(proof -> Node.guarded(() -> proof.proved().fail(unproved(evidence))));
        proofs.clear();
    }

    private void pump() {
        due.set(false);
        for (BulkWrite write = inbox.poll(); write != null; write = inbox.poll()) {
            String over = ended;
            if (over != null) {
                fail(write, lost(write, over));
            } else {
                admit(write);
            }
        }
        boolean more = ended == null;
        while (more && !sendable.isEmpty() && !socket.full()) {
            more = sendBatch();
        }
    }

    private WriteException lost(BulkWrite write, String evidence) {
        return WriteFailures.lost(evidence, write.region, write.offset, write.length(), peer);
    }

    private static void fail(BulkWrite write, WriteException failure) {
        Node.guarded(() -> write.promise.fail(failure));
    }

    private void admit(BulkWrite write) {
        write.request = nextRequest++;
        write.deadlineNanos = System.nanoTime() + timeoutMs * 1_000_000L;
        unanswered.put(write.request, write);
        sendable.add(write);
        expireIn(timeoutMs);
    }

    /** False if nothing could be sent. */
    private boolean sendBatch() {
        List<ByteBuf> parts = new ArrayList<>();
        List<BulkWrite> freed = new ArrayList<>();
        ByteBuf small = socket.buffer(1_024);
        int bytes = 0;
        while (bytes < BATCH_BYTES && parts.size() < 256 && !sendable.isEmpty() && inWindow(sendable.peek())) {
            BulkWrite write = sendable.poll();
            int length = (int) Math.min(write.length() - write.sent, chunkBytes);
            if (length == 0) {
                continue; // it failed while it was queued
            }
            int frameBytes = Frame.HEAD_BYTES + BulkParser.ChunkHeader.BYTES + length;
            ByteBuf out = small;
            if (length > SMALL_BYTES) {
                out = socket.buffer(frameBytes);
                parts.add(small);
                parts.add(out);
                small = socket.buffer(1_024);
            }
            int begin = out.writerIndex();
            try {
                new BulkParser.ChunkHeader(
                                write.request,
                                write.region.id(),
                                write.region.key(),
                                write.offset,
                                write.length(),
                                write.sent)
                        .encode(out, length);
                copy(write.source, write.sent, length, out);
            } catch (RuntimeException unusable) { // the arena of the source was closed
                out.writerIndex(begin);
                if (write.sent > 0) {
                    BulkParser.encodeCancel(out, write.request);
                    bytes += BulkParser.CANCEL_BYTES;
                }
                freed.add(write);
                continue;
            }
            write.sent += length;
            bytes += frameBytes;
            write.endsAt = progress.sent() + bytes;
            if (write.sent < write.length()) {
                sendable.add(write);
            }
        }
        parts.add(small);
        ByteBuf batch = Unpooled.wrappedBuffer(parts.size(), parts.toArray(ByteBuf[]::new));
        if (bytes == 0) {
            batch.release();
        } else {
            send(batch);
        }
        freed.forEach(this::failFreed);
        return bytes > 0 || !freed.isEmpty();
    }

    /** By segments, whose accesses check that the memory still exists. Netty may copy by raw addresses. */
    private static void copy(MemorySegment source, long from, int length, ByteBuf out) {
        out.ensureWritable(length);
        int at = out.writerIndex();
        MemorySegment.copy(source, from, MemorySegment.ofBuffer(out.nioBuffer(at, length)), 0, length);
        out.writerIndex(at + length);
    }

    private void failFreed(BulkWrite write) {
        drop(write);
        fail(
                write,
                WriteFailures.refused(
                        WriteException.Reason.UNUSABLE,
                        HostMemory.CLOSED_UNDER_WAY,
                        write.region,
                        write.offset,
                        write.length(),
                        peer));
    }

    private boolean inWindow(BulkWrite write) {
        Iterator<Long> requests = unanswered.keySet().iterator();
        return write.sent > 0 || !requests.hasNext() || write.request - requests.next() < MAX_UNANSWERED;
    }

    private void drop(BulkWrite write) {
        unanswered.remove(write.request);
        write.sent = write.length(); // nothing more of it goes out
    }

    private void expireIn(long ms) {
        if (timer < 0 && ended == null) {
            timer = vertx.setTimer(Math.max(1, ms), _ -> expire());
        }
    }

    private void expire() {
        timer = -1;
        long now = System.nanoTime();
        long stuckNanos = progress.stuckNanos();
        if (stuckNanos >= timeoutMs * 1_000_000L) {
            stalled.accept(progress.sentence(stuckNanos / 1_000_000));
        }
        long leftNanos = timeoutMs * 1_000_000L - stuckNanos;
        List<BulkWrite> late = new ArrayList<>();
        for (BulkWrite write : unanswered.values()) {
            if (write.deadlineNanos - now <= 0) {
                late.add(write);
            } else {
                leftNanos = Math.min(leftNanos, write.deadlineNanos - now);
            }
        }
        for (BulkWrite write : late) {
            boolean begun = write.sent > 0 && write.sent < write.length();
            drop(write);
            if (begun) {
                send(BulkParser.encodeCancel(socket.buffer(BulkParser.CANCEL_BYTES), write.request));
            }
            fail(
                    write,
                    WriteFailures.timeout(timeoutMs, write.arrived, write.region, write.offset, write.length(), peer));
        }
        if (!unanswered.isEmpty() || progress.isWaiting()) {
            expireIn(1 + leftNanos / 1_000_000);
        }
    }
}
