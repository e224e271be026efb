// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.transfer.Channel;
import io.muster.transfer.LossEvidence;
import io.netty.buffer.ByteBuf;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The bulk connection of one channel: first a path probe in each direction, then writes and their acknowledgements. For
 * its own event loop, except {@link #sender}.
 */
final class BulkConnection implements BulkParser.Sink {
    /** The channel of the connection. */
    interface Owner extends Channel {
        /** The probes of both directions have arrived. On the bulk event loop. */
        void verified();

        void end(LossEvidence.Kind kind, String detail);

        /**
         * The bulk connection was closed. If this process had been stopped, the farewell on the control connection may
         * be unread. It must be read first, or this process would blame the peer (P-9).
         *
         * @param then runs on the control context when the channel is over
         */
        void endAfterFarewell(String how, Runnable then);

        /** Why the channel is over, as a clause. */
        String lossDetail();

        /** Tells the peer soon how much was read. From any thread. */
        void answerLiveness();
    }

    private final Owner channel;
    private final RawSocket socket;
    private final BulkSender sender;
    private final BulkReceiver receiver;
    private final BulkParser parser;
    private final Promise<Void> closed = Promise.promise();
    private Runnable answer = () -> {};
    /** Bytes read behind the hello. Written on the event loop, read by that of the control connection. */
    private final AtomicLong read = new AtomicLong();

    private final Vertx vertx;
    private final int keepaliveMs;
    private long keepalive = -1;
    private boolean gotProbe;
    private boolean gotProbeOk;

    BulkConnection(Node node, Owner channel, RawSocket socket, int peerMaxFrameBytes) {
        this.channel = channel;
        this.vertx = node.vertx();
        this.keepaliveMs = node.options().keepaliveMs();
        this.socket = socket;
        int chunkBytes = Math.min(node.options().chunkBytes(), peerMaxFrameBytes - 1 - BulkParser.ChunkHeader.BYTES);
        this.sender = new BulkSender(
                node.vertx(),
                socket,
                chunkBytes,
                node.options().writeTimeoutMs(),
                channel.toString(),
                detail -> channel.end(LossEvidence.Kind.STALLED, detail));
        this.receiver = new BulkReceiver(node.regions(), sender::ack, channel::isGranted);
        this.parser = new BulkParser(node.options().maxFrameBytes(), this);
    }

    /** Completes when the socket is closed and every write has completed. */
    Future<Void> closed() {
        return closed.future();
    }

    /** Number of bytes read behind the hello. From any thread. */
    long read() {
        return read.get();
    }

    /** The peer has read so many bytes that were sent behind the hello. On the event loop. */
    void arrived(long bytes) {
        String problem = sender.arrived(bytes);
        if (problem != null) {
            channel.end(LossEvidence.Kind.PROTOCOL_ERROR, problem);
        }
    }

    RawSocket socket() {
        return socket;
    }

    BulkSender sender() {
        return sender;
    }

    /** From now on, the close of the socket ends the channel. */
    void adopted() {
        socket.onOutOfMemory(why -> channel.end(LossEvidence.Kind.OUT_OF_MEMORY, why));
        socket.onClose(() -> {
            if (channel.isAlive()) {
                channel.endAfterFarewell(
                        "its bulk connection was closed" + socket.trouble(),
                        () -> socket.context().runOnContext(_ -> settle()));
            } else {
                settle();
            }
        });
    }

    private void settle() {
        if (keepalive >= 0) {
            vertx.cancelTimer(keepalive);
        }
        receiver.end();
        sender.end(channel.lossDetail());
        closed.tryComplete();
    }

    /**
     * Delays the hello of the dialled end until the peer's probe has arrived. It is then sent together with this end's
     * probe, which saves a packet.
     */
    void answerWith(Runnable hello) {
        answer = () -> {
            hello.run();
            sendProbe();
        };
    }

    void sendProbe() {
        ByteBuf probe = socket.buffer(Frame.HEAD_BYTES + PathProbe.BODY_BYTES);
        PathProbe.encode(probe, ThreadLocalRandom.current().nextLong());
        sender.sendProbe(probe);
    }

    /** @param rest bytes that came behind the hello; released here */
    void start(ByteBuf rest) {
        socket.keepAlive(keepaliveMs);
        socket.onBytes(this::bytes);
        bytes(rest);
    }

    void close() {
        socket.abort();
    }

    private void bytes(ByteBuf in) {
        try {
            read.addAndGet(in.readableBytes());
            if (!channel.isAlive()) {
                return;
            }
            String problem = parser.feed(in);
            if (problem == null) {
                problem = sender.flushAcks();
            }
            if (problem != null) {
                channel.end(LossEvidence.Kind.PROTOCOL_ERROR, "on its bulk connection: " + problem);
            }
        } catch (RuntimeException failure) {
            channel.end(LossEvidence.Kind.PROTOCOL_ERROR, "its bulk connection could not be read: " + failure);
        } finally {
            in.release();
        }
    }

    @Override
    public @Nullable String probe(ByteBuf body) {
        if (gotProbe) {
            return "a second path probe";
        }
        String problem = PathProbe.verify(body);
        if (problem == null) {
            gotProbe = true;
            answer.run();
            sender.send(Frame.head(socket.buffer(Frame.HEAD_BYTES), Frame.PROBE_OK, 0));
            verified();
        }
        return problem;
    }

    @Override
    public @Nullable String probeOk() {
        if (gotProbeOk) {
            return "a second answer to the path probe";
        }
        gotProbeOk = true;
        sender.probed();
        verified();
        return null;
    }

    private void verified() {
        if (gotProbe && gotProbeOk) {
            keepalive = vertx.setPeriodic(keepaliveMs, _ -> sender.keepAlive());
            channel.verified();
        }
    }

    @Override
    public @Nullable String chunk(BulkParser.ChunkHeader header, int bytes) {
        return gotProbe && gotProbeOk ? receiver.chunk(header, bytes) : "a write before the path probe was answered";
    }

    @Override
    public void payload(ByteBuf bytes) {
        receiver.payload(bytes);
    }

    @Override
    public @Nullable String chunkEnd() {
        return receiver.chunkEnd();
    }

    @Override
    public void fill() {
        channel.answerLiveness();
    }

    @Override
    public void cancel(long request) {
        receiver.cancel(request);
    }

    @Override
    public @Nullable String ack(long request, int status, String detail) {
        return sender.answered(request, status, detail);
    }
}
