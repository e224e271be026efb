// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.GroupName;
import io.muster.group.GroupSecret;
import io.muster.group.ProcessAddress;
import io.muster.group.LogEvents;
import io.muster.group.ProcessId;
import io.muster.group.WriteException;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.ControlKind;
import io.muster.transfer.LossEvidence;
import io.muster.transfer.RemoteRegion;
import io.muster.transfer.WriteFailures;
import io.netty.buffer.ByteBuf;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
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
 * One control and one bulk connection, on two event loops. Lives through: <em>opening</em> (control hello done),
 * <em>verified</em> (the bulk connection has carried a probe both ways), <em>open</em> (the listener knows it),
 * <em>over</em>. It is over from the first {@link #end}, whichever thread sees the loss; everything after that
 * (farewell, listener, sockets) follows on the control context.
 */
final class TcpChannel implements Channel {
    private static final Logger log = LoggerFactory.getLogger(TcpChannel.class);
    private static final int FAREWELL_MS = 250;
    private static final int READ_FIRST_MS = 2;

    /**
     * How it came to be.
     *
     * @param dialledHere who dialled
     * @param dial number of the dial, within the process that dialled
     * @param peerMaxFrameBytes the longest frame that the peer takes
     * @param after when this has happened, the listener may be told: the end of the last channel to the same process
     */
    record Origin(
            ProcessAddress address,
            ChannelGeneration generation,
            boolean dialledHere,
            long dial,
            int peerMaxFrameBytes,
            Future<Void> after) {}

    /** What the peer has proved so far. */
    private volatile Set<GroupSecret.Id> proved = Set.of();
    /** Groups whose secret the peer has proved; granted on the control context, asked on the bulk context. */
    private final Set<GroupName> granted = ConcurrentHashMap.newKeySet();

    private final Node node;
    private final ChannelBook book;
    private final Origin origin;
    private final ControlConnection control;
    /** Why it is over, null while it is not: set by the first thread that sees the loss, read by all. */
    private final AtomicReference<@Nullable LossEvidence> over = new AtomicReference<>();

    private final Promise<Void> ended = Promise.promise();
    /** Set on the bulk event loop before the channel can be open, read by all. */
    private volatile @Nullable BulkConnection bulk;

    private Runnable onReady = () -> {};
    private boolean told;
    private long deadline = -1;

    TcpChannel(Node node, ChannelBook book, Origin origin, RawSocket controlSocket) {
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

    /** Of a channel that is open. */
    RawSocket bulkSocket() {
        BulkConnection connection = bulk;
        if (connection == null) {
            throw new IllegalStateException("it has no bulk connection yet");
        }
        return connection.socket();
    }

    /** Completes when the listener has been told of the end, or need not be. */
    Future<Void> ended() {
        return ended.future();
    }

    /** Completes when the listener has been told and both sockets are closed. */
    Future<Void> closed() {
        return ended().compose(_ -> {
            BulkConnection connection = bulk;
            return connection == null ? Future.succeededFuture() : connection.closed();
        });
    }

    /** On the control context: what is to happen once the channel is open. */
    void onReady(Runnable action) {
        onReady = action;
    }

    /** On the control context, after the control hello. */
    void startControl(long withinMs, ByteBuf rest) {
        deadline = node.vertx().setTimer(Math.max(1, withinMs), _ -> {
            deadline = -1;
            end(
                    LossEvidence.Kind.SILENCE,
                    "its bulk connection carried no verified 64 KiB both ways within "
                            + node.options().helloTimeoutMs() + " ms (does the path pass large packets?)");
        });
        control.start(rest);
    }

    /**
     * On the bulk event loop. False if the channel has one already. Over a channel that is over, the connection is
     * closed.
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

    /** On the bulk event loop: both probes have arrived. */
    void verified() {
        origin.after().onComplete(_ -> control.socket().context().runOnContext(_ -> open()));
    }

    private void open() {
        stopDeadline();
        if (!isAlive() || !book.opened(this)) {
            close(LossEvidence.replaced(LossEvidence.Reason.OTHER_CHANNEL));
            return;
        }
        told = true;
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

    /** From either event loop, when a proof that is fresh has been checked. */
    void proved(Set<GroupSecret.Id> ids) {
        proved = Set.copyOf(ids);
    }

    /** Whether somebody who has proved these secrets may end this channel by taking its place. */
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
        if (!source.isNative()) {
            return Future.failedFuture(WriteFailures.refused(
                    WriteException.Reason.FAILED,
                    "the source lies on the Java heap",
                    region,
                    offset,
                    length,
                    toString()));
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
    public void close(LossEvidence reason) {
        end(reason, true);
    }

    void end(LossEvidence.Kind kind, String detail) {
        end(new LossEvidence(kind, detail), true);
    }

    /** The peer has ended it and needs no farewell. */
    void endedByPeer(LossEvidence evidence) {
        end(evidence, false);
    }

    /**
     * The bulk connection was closed. Where this process had been stopped, the other end has said why on the control
     * connection, and that has not been read yet: it comes first, or the one that wakes would accuse the other (P-9).
     *
     * @param then on the control context, when the channel is over
     */
    void endAfterFarewell(String how, Runnable then) {
        // a timer fires after the event loop has looked at its sockets once more; a task would not
        control.socket()
                .context()
                .runOnContext(_ -> node.vertx().setTimer(READ_FIRST_MS, _ -> {
                    end(LossEvidence.Kind.SOCKET_CLOSED, how);
                    then.run();
                }));
    }

    /** Why it is over, as a clause. */
    String lossDetail() {
        LossEvidence evidence = over.get();
        return evidence == null ? "not open" : evidence.kind() + ": " + evidence.detail();
    }

    private void end(LossEvidence evidence, boolean tellPeer) {
        if (!over.compareAndSet(null, evidence)) {
            return;
        }
        book.ended(this, evidence);
        control.socket().context().runOnContext(_ -> finish(evidence, tellPeer));
    }

    private void finish(LossEvidence evidence, boolean tellPeer) {
        stopDeadline();
        control.close(evidence, tellPeer);
        if (told) {
            log.debug(
                    LogEvents.CHANNEL_ENDED + " peer={} address={} evidence={} detail={}",
                    peer(),
                    address(),
                    evidence.kind(),
                    evidence.detail());
            Node.guarded(() -> node.listener().lost(this, evidence));
        }
        BulkConnection connection = bulk;
        if (connection != null) {
            close(connection, evidence, tellPeer);
        }
        ended.complete();
    }

    /**
     * The peer closes the bulk connection when it has read the farewell; closing it here at once could overtake that.
     */
    private void close(BulkConnection connection, LossEvidence evidence, boolean tellPeer) {
        if (!tellPeer || evidence.kind() == LossEvidence.Kind.SOCKET_CLOSED) {
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
