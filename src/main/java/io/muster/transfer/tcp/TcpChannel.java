// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.GroupName;
import io.muster.group.GroupSecret;
import io.muster.group.LogEvents;
import io.muster.group.MusterException;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.group.WriteException;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.ControlKind;
import io.muster.transfer.HostMemory;
import io.muster.transfer.LossEvidence;
import io.muster.transfer.RemoteRegion;
import io.muster.transfer.WriteFailures;
import io.muster.transfer.tcp.ControlConnection.Farewell;
import io.netty.buffer.ByteBuf;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.internal.VertxInternal;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One channel: a control connection and a bulk connection, on two event loops.
 *
 * <p><b>Order of events.</b> <em>Opening</em>: the control hello is done, the channel is in the {@link ChannelBook},
 * and a deadline runs. <em>Verified</em>: the bulk connection has carried a {@link PathProbe} in both directions.
 * <em>Open</em>: the previous channel to the same process has ended for the listener, so the listener is called, then
 * the callers of connect, then the messages that came early are delivered. <em>Over</em>: the first {@link #end} wins.
 * It records the evidence and informs the book at once; on the control context follow the farewell, the listener, and
 * the sockets.
 *
 * <p><b>Threads.</b> The control context owns {@code onReady}, {@code announced}, {@code arrived} and {@code deadline}.
 * The bulk event loop attaches the bulk connection. {@link #end} may be called on any thread: the evidence is an atomic
 * reference, and only the thread that sets it continues. Everything else that threads share is volatile or concurrent.
 *
 * <p><b>Invariants.</b> {@link #isAlive} is false before any effect of the end is visible (P-12). The listener gets
 * {@code lost} exactly once if it got {@code opened}, and never without it. {@link #ended} completes after that call;
 * the next channel to this peer waits for it. {@link #closed} completes only when no socket refers to memory of a
 * caller.
 *
 * <p><b>The trap.</b> A process that was stopped (SIGSTOP, a suspended machine) wakes to find both connections closed
 * by its peer. The farewell on the control connection says UNHEARD: this process is the failed side. The close of the
 * bulk connection says SOCKET_CLOSED, which would blame the peer. The two arrive on different event loops, in any
 * order. So the end that says farewell keeps the bulk connection open until the peer closes it or {@code FAREWELL_MS}
 * have passed, and a close of the bulk connection takes effect only after the control socket was read once more
 * ({@link #endAfterFarewell}).
 */
final class TcpChannel implements ControlConnection.Owner, BulkConnection.Owner {
    private static final Logger log = LoggerFactory.getLogger(TcpChannel.class);
    /** A peer that runs closes within milliseconds of a farewell. After this it is not waited for. */
    private static final int FAREWELL_MS = 250;
    /** A timer that fires after the event loop has polled its sockets once more. */
    private static final int READ_FIRST_MS = 2;

    /**
     * The circumstances under which the channel was opened.
     *
     * @param dialledHere whether this process dialled
     * @param dial number of the dial, within the process that dialled
     * @param peerMaxFrameBytes the longest frame that the peer accepts
     * @param after the end of the previous channel to the same process; the listener is called after it
     */
    record Origin(
            ProcessAddress address,
            ChannelGeneration generation,
            boolean dialledHere,
            long dial,
            int peerMaxFrameBytes,
            Future<Void> after) {}

    /** What decides whether the channel serves its peer. The calls come in this order; may be called on any thread. */
    interface Registry {
        /** Before the call of the listener. False if another channel has taken its place. */
        boolean opened(TcpChannel channel);

        /** After the call of the listener. */
        void ready(TcpChannel channel);

        void ended(TcpChannel channel, LossEvidence evidence);
    }

    /** The secrets that the peer has proved. Written on either event loop, read under the book's monitor. */
    private volatile Set<GroupSecret.Id> proved = Set.of();
    /** Groups whose secret the peer has proved. Added on the control context, read on the bulk event loop. */
    private final Set<GroupName> granted = ConcurrentHashMap.newKeySet();

    private final Node node;
    private final Registry book;
    private final Origin origin;
    private final ControlConnection control;
    /** Why the channel is over, null while it is not. Set by the first thread that detects the loss, read by all. */
    private final AtomicReference<@Nullable LossEvidence> over = new AtomicReference<>();

    private final Promise<Void> ended = Promise.promise();
    /** Set on the bulk event loop before the channel can be open, read by all. */
    private volatile @Nullable BulkConnection bulk;

    private Runnable onReady = () -> {};
    private boolean announced;
    /** What the peer has last reported as read from the bulk connection. */
    private long arrived;

    private long deadline = -1;

    TcpChannel(Node node, Registry book, Origin origin, RawSocket controlSocket) {
        this.node = node;
        this.book = book;
        this.origin = origin;
        this.control = new ControlConnection(node, this, controlSocket);
    }

    Origin origin() {
        return origin;
    }

    ControlSender controlSender() {
        return control.sender();
    }

    RawSocket controlSocket() {
        return control.socket();
    }

    /** To be called for a channel that is open. */
    RawSocket bulkSocket() {
        BulkConnection connection = bulk;
        if (connection == null) {
            throw new IllegalStateException("the channel has no bulk connection yet");
        }
        return connection.socket();
    }

    /** Completes when the listener has learned the end, or at the end if it never learned of the channel. */
    Future<Void> ended() {
        return ended.future();
    }

    /** Completes after {@link #ended}, when the bulk socket is closed and its writes have completed. */
    Future<Void> closed() {
        return ended().compose(_ -> {
            BulkConnection connection = bulk;
            return connection == null ? Future.succeededFuture() : connection.closed();
        });
    }

    /** Sets the action to run once the channel is open. On the control context. */
    void onReady(Runnable action) {
        onReady = action;
    }

    /** On the control context, after the control hello. */
    void startControl(long withinMs, ByteBuf rest) {
        deadline = node.vertx().setTimer(Math.max(1, withinMs), _ -> {
            deadline = -1;
            int ms = node.options().helloTimeoutMs();
            if (bulk == null) {
                end(LossEvidence.Kind.SILENCE, "its bulk connection was not opened within " + ms + " ms");
            } else {
                end(
                        LossEvidence.Kind.STALLED,
                        "packets above some size are lost on the way: its small messages arrive, and its bulk"
                                + " connection did not carry 64 KiB in both directions within " + ms + " ms");
            }
        });
        control.start(rest);
    }

    /**
     * Adopts the bulk connection; false if the channel has one already. If the channel is over, the connection is
     * closed. On the bulk event loop.
     */
    boolean attach(BulkConnection connection) {
        if (bulk != null) {
            return false;
        }
        bulk = connection;
        connection.adopted();
        if (!isAlive()) {
            connection.close();
        }
        return true;
    }

    @Override
    public void verified() {
        origin.after().onComplete(_ -> control.socket().context().runOnContext(_ -> open()));
    }

    private void open() {
        stopDeadline();
        if (!isAlive() || !book.opened(this)) {
            close(LossEvidence.replaced(LossEvidence.Reason.OTHER_CHANNEL));
            return;
        }
        announced = true;
        log.debug(
                LogEvents.CHANNEL_OPENED + " peer={} address={} dialledHere={}",
                peer(),
                address(),
                origin.dialledHere());
        Node.guarded(() -> node.listener().opened(this));
        book.ready(this);
        onReady.run();
        control.open();
    }

    @Override
    public ProcessId peer() {
        return origin.address().process();
    }

    @Override
    public ProcessAddress address() {
        return origin.address();
    }

    @Override
    public ChannelGeneration generation() {
        return origin.generation();
    }

    /** Records the secrets that the peer has proved with fresh proofs. From either event loop. */
    void proved(Set<GroupSecret.Id> ids) {
        proved = Set.copyOf(ids);
    }

    /** Whether a process that has proved these secrets may replace this channel. */
    boolean yieldsTo(Set<GroupSecret.Id> ids) {
        Set<GroupSecret.Id> own = proved;
        return own.isEmpty() || !Collections.disjoint(own, ids);
    }

    boolean isProved() {
        return !proved.isEmpty();
    }

    @Override
    public boolean isGranted(GroupName group) {
        return granted.contains(group);
    }

    @Override
    public void grant(GroupName group) {
        granted.add(group);
    }

    @Override
    public byte[] binding() {
        byte[] tls = control.socket().binding();
        ByteBuffer out = ByteBuffer.allocate(2 * 16 + 2 * Long.BYTES + tls.length);
        ProcessId dialler = origin.dialledHere() ? node.self() : peer();
        ProcessId acceptor = origin.dialledHere() ? peer() : node.self();
        long mine = generation().mine();
        long theirs = generation().theirs();
        out.putLong(dialler.high())
                .putLong(dialler.low())
                .putLong(acceptor.high())
                .putLong(acceptor.low());
        return out.putLong(origin.dialledHere() ? mine : theirs)
                .putLong(origin.dialledHere() ? theirs : mine)
                .put(tls)
                .array();
    }

    @Override
    public boolean isAlive() {
        return over.get() == null;
    }

    @Override
    public void send(ControlKind kind, Buffer payload) {
        if (payload.length() > node.options().maxFrameBytes() - 2) {
            throw new IllegalArgumentException("a control message of " + payload.length() + " bytes, at most "
                    + (node.options().maxFrameBytes() - 2));
        }
        if (isAlive()) {
            control.sender().offer(kind, payload);
        }
    }

    @Override
    public Future<Void> write(RemoteRegion region, long offset, MemorySegment source) {
        long length = source.byteSize();
        BulkConnection connection = bulk;
        if (!isAlive() || connection == null) {
            return Future.failedFuture(WriteFailures.lost(lossDetail(), region, offset, length, toString()));
        }
        if (length == 0) {
            return Future.failedFuture(WriteFailures.refused(
                    WriteException.Reason.EMPTY, "nothing to write", region, offset, 0, toString()));
        }
        String problem = HostMemory.problem(source, false);
        if (problem != null) {
            return Future.failedFuture(WriteFailures.refused(
                    WriteException.Reason.UNUSABLE, "the source " + problem, region, offset, length, toString()));
        }
        if (offset < 0 || length > region.bytes() || offset > region.bytes() - length) {
            return Future.failedFuture(WriteFailures.refused(
                    WriteException.Reason.OUT_OF_BOUNDS,
                    "the region has " + region.bytes() + " bytes",
                    region,
                    offset,
                    length,
                    toString()));
        }
        Promise<Void> promise = RawSocket.promise();
        connection.sender().submit(new BulkWrite(region, offset, source, promise));
        return promise.future();
    }

    @Override
    public Future<Void> prove() {
        BulkConnection connection = bulk;
        if (!isAlive() || connection == null) {
            return Future.failedFuture(
                    MusterException.retry("the connection to " + this + " has ended: " + lossDetail()));
        }
        long withinNanos = node.options().livenessIntervalMs()
                * 1_000_000L
                * node.options().livenessMisses();
        if (connection.sender().isFresh(withinNanos)) {
            return Future.succeededFuture();
        }
        Promise<Void> proved = RawSocket.promise();
        connection.socket().context().runOnContext(_ -> connection.sender().prove(withinNanos, proved));
        return proved.future();
    }

    @Override
    public void arrived(long bytes) {
        BulkConnection connection = bulk;
        if (connection != null && (bytes != arrived || connection.sender().isWaiting())) {
            arrived = bytes;
            connection.socket().context().runOnContext(_ -> connection.arrived(bytes));
        }
    }

    @Override
    public long bulkBytesRead() {
        BulkConnection connection = bulk;
        return connection == null ? 0 : connection.read();
    }

    @Override
    public void answerLiveness() {
        control.answerSoon();
    }

    @Override
    public void close(LossEvidence reason) {
        end(reason, Farewell.NEEDED);
    }

    @Override
    public void end(LossEvidence.Kind kind, String detail) {
        end(new LossEvidence(kind, detail), Farewell.NEEDED);
    }

    @Override
    public void endedByPeer(LossEvidence evidence) {
        end(evidence, Farewell.NOT_NEEDED);
    }

    @Override
    public void endAfterFarewell(String how, Runnable then) {
        if (((VertxInternal) node.vertx()).closeFuture().isClosed()) {
            // Vert.x closes its sockets and fires no timer any more
            end(LossEvidence.Kind.SOCKET_CLOSED, how);
            then.run();
            return;
        }
        // A timer fires after the event loop has polled its sockets once more. A task would run before that.
        control.socket()
                .context()
                .runOnContext(_ -> node.vertx().setTimer(READ_FIRST_MS, _ -> {
                    end(LossEvidence.Kind.SOCKET_CLOSED, how);
                    then.run();
                }));
    }

    @Override
    public String lossDetail() {
        LossEvidence evidence = over.get();
        return evidence == null ? "not open" : evidence.kind() + ": " + evidence.detail();
    }

    private void end(LossEvidence evidence, Farewell farewell) {
        if (!over.compareAndSet(null, evidence)) {
            return;
        }
        book.ended(this, evidence);
        control.socket().context().runOnContext(_ -> finish(evidence, farewell));
    }

    private void finish(LossEvidence evidence, Farewell farewell) {
        stopDeadline();
        control.close(evidence, farewell);
        if (announced) {
            log.debug(
                    LogEvents.CHANNEL_ENDED + " peer={} address={} evidence={} detail={}",
                    peer(),
                    address(),
                    evidence.kind(),
                    evidence.detail());
            Node.guarded(() -> node.listener().lost(this, evidence));
        } else {
            Node.guarded(() -> node.listener().notOpened(address(), evidence));
        }
        BulkConnection connection = bulk;
        if (connection != null) {
            close(connection, evidence, farewell);
        }
        ended.complete();
    }

    /**
     * Closes the bulk connection late: the peer closes it when it has read the farewell. A close from here could
     * overtake the farewell.
     */
    private void close(BulkConnection connection, LossEvidence evidence, Farewell farewell) {
        if (farewell == Farewell.NOT_NEEDED || evidence.kind() == LossEvidence.Kind.SOCKET_CLOSED) {
            connection.close();
            return;
        }
        long linger = node.vertx().setTimer(FAREWELL_MS, _ -> connection.close());
        connection.closed().onComplete(_ -> node.vertx().cancelTimer(linger));
    }

    private void stopDeadline() {
        if (deadline >= 0) {
            node.vertx().cancelTimer(deadline);
            deadline = -1;
        }
    }

    @Override
    public String toString() {
        return peer() + " at " + address();
    }
}
