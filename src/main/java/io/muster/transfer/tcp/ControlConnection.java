// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.Clause;
import io.muster.transfer.Channel;
import io.muster.transfer.ControlKind;
import io.muster.transfer.LivenessWindow;
import io.muster.transfer.LossEvidence;
import io.netty.buffer.ByteBuf;
import io.vertx.core.buffer.Buffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The control connection of one channel: messages, liveness, farewell. The two connections of a channel are not ordered
 * with each other, so messages may arrive before the channel is open. Those are queued in bounded memory, as the socket
 * is paused. For the control context, except {@link #sender}.
 */
final class ControlConnection {
    private static final ControlKind[] KINDS = ControlKind.values();

    /** The channel of the connection. */
    interface Owner extends Channel {
        void end(LossEvidence.Kind kind, String detail);

        /** The peer has ended it and needs no farewell. */
        void endedByPeer(LossEvidence evidence);

        /** The peer has read so many bytes of the bulk connection. On the control context. */
        void arrived(long bytes);

        /** Number of bytes that were read from the bulk connection behind its hello. */
        long bulkBytesRead();
    }

    /** Whether the peer must learn from this end that the channel is over. */
    enum Farewell {
        NEEDED,
        /** The peer has ended the channel itself. */
        NOT_NEEDED
    }

    /** A frame that arrived before the channel was open. */
    private record Early(byte type, byte[] body) {}

    private static final int MAX_BYE_TEXT = 512;
    private static final Buffer EMPTY = Buffer.buffer();

    private final Node node;
    private final Owner channel;
    private final RawSocket socket;
    private final ControlSender sender;
    private final Frame.Reader reader;
    private final ArrayDeque<Early> early = new ArrayDeque<>();
    private final LivenessWindow window;
    /** Whether an answer is scheduled. Both event loops of the channel meet here. */
    private final AtomicBoolean answerDue = new AtomicBoolean();

    private boolean open;
    private long timer = -1;
    private long confirmation = -1;

    ControlConnection(Node node, Owner channel, RawSocket socket) {
        this.node = node;
        this.channel = channel;
        this.socket = socket;
        this.sender = new ControlSender(socket, detail -> channel.end(LossEvidence.Kind.PROTOCOL_ERROR, detail));
        this.reader = new Frame.Reader(node.options().maxFrameBytes());
        this.window = new LivenessWindow(
                node.options().livenessIntervalMs(),
                node.options().livenessMisses(),
                node.nanos().getAsLong());
    }

    RawSocket socket() {
        return socket;
    }

    ControlSender sender() {
        return sender;
    }

    /** @param rest bytes that arrived behind the hello; released here */
    void start(ByteBuf rest) {
        // A process that was stopped may write before it reads the farewell. It must still read that it was UNHEARD
        // (P-9).
        socket.readOnWhenAWriteFails();
        socket.keepAlive(node.options().keepaliveMs());
        socket.onOutOfMemory(why -> channel.end(LossEvidence.Kind.OUT_OF_MEMORY, why));
        socket.onBytes(this::bytes);
        socket.onClose(() ->
                channel.end(LossEvidence.Kind.SOCKET_CLOSED, "its control connection was closed" + socket.trouble()));
        bytes(rest);
    }

    /** The listener knows the channel: delivers the queued frames and starts the liveness requests. */
    void open() {
        open = true;
        long now = node.nanos().getAsLong();
        window.tick(now);
        window.received(now);
        timer = node.vertx().setPeriodic(node.options().livenessIntervalMs(), _ -> tick());
        for (Early frame = early.poll(); frame != null && channel.isAlive(); frame = early.poll()) {
            deliver(frame.type(), frame.body());
        }
        early.clear();
        socket.resume();
    }

    void close(LossEvidence evidence, Farewell farewell) {
        if (timer >= 0) {
            node.vertx().cancelTimer(timer);
        }
        early.clear();
        if (farewell == Farewell.NEEDED && !socket.closed()) {
            sender.last(
                    Frame.BYE,
                    Buffer.buffer().appendByte((byte) evidence.kind().ordinal()).appendString(evidence.detail()));
        }
        socket.abort();
    }

    private void bytes(ByteBuf in) {
        if (!channel.isAlive()) {
            in.release();
            return;
        }
        if (in.isReadable()) {
            window.received(node.nanos().getAsLong());
        }
        String problem = reader.feed(in, this::frame);
        if (problem != null) {
            channel.end(LossEvidence.Kind.PROTOCOL_ERROR, "it sent " + problem + " on its control connection");
        }
    }

    private boolean frame(byte type, ByteBuf body) {
        byte[] bytes = new byte[body.readableBytes()];
        body.readBytes(bytes);
        if (open || type == Frame.BYE) {
            deliver(type, bytes);
        } else {
            if (early.isEmpty()) {
                socket.pause();
            }
            early.add(new Early(type, bytes));
        }
        return channel.isAlive();
    }

    private void deliver(byte type, byte[] body) {
        switch (type) {
            case Frame.CONTROL -> control(body);
            case Frame.ASK -> answer();
            case Frame.ANSWER -> answered(Buffer.buffer(body));
            case Frame.BYE -> bye(body);
            default ->
                channel.end(
                        LossEvidence.Kind.PROTOCOL_ERROR,
                        "it sent a frame of type " + type + " on its control connection");
        }
    }

    /** Tells the peer that this process is alive, and how much of the bulk connection it has read. */
    void answer() {
        answerDue.set(false);
        if (channel.isAlive()) {
            sender.offer(Frame.ANSWER, livenessPayload());
        }
    }

    /** The same soon, once for all calls until then. From any thread. */
    void answerSoon() {
        if (answerDue.compareAndSet(false, true)) {
            socket.context().runOnContext(_ -> answer());
        }
    }

    private void answered(Buffer body) {
        if (body.length() < Long.BYTES) {
            channel.end(LossEvidence.Kind.PROTOCOL_ERROR, "it sent a liveness answer of " + body.length() + " bytes");
            return;
        }
        channel.arrived(body.getLong(0));
        Node.guarded(() -> node.listener().livenessReceived(channel, body.slice(Long.BYTES, body.length())));
    }

    private void control(byte[] body) {
        if (body.length < 1 || body[0] < 0 || body[0] >= KINDS.length) {
            channel.end(LossEvidence.Kind.PROTOCOL_ERROR, "it sent a control message of an unknown kind");
            return;
        }
        Buffer payload = Buffer.buffer(body).slice(1, body.length);
        Node.guarded(() -> node.listener().received(channel, KINDS[body[0]], payload));
    }

    private void bye(byte[] body) {
        LossEvidence.Kind kind = body.length == 0 ? LossEvidence.Kind.SOCKET_CLOSED : byeKind(body[0]);
        String said = body.length < 2
                ? ""
                : Clause.atMost(MAX_BYE_TEXT, new String(body, 1, body.length - 1, StandardCharsets.UTF_8));
        channel.endedByPeer(new LossEvidence(
                kind,
                LossEvidence.Reason.ofSentence(said),
                kind == LossEvidence.Kind.PEER_OUT_OF_MEMORY
                        ? said
                        : "ended by the peer" + (said.isEmpty() ? "" : ": " + said)));
    }

    /** The kind of the loss here, given the kind at the peer. The peer's silence means that this end was unheard. */
    private static LossEvidence.Kind byeKind(int ordinal) {
        if (ordinal == LossEvidence.Kind.REPLACED.ordinal()) {
            return LossEvidence.Kind.REPLACED;
        }
        if (ordinal == LossEvidence.Kind.STALLED.ordinal()) {
            return LossEvidence.Kind.STALLED;
        }
        if (ordinal == LossEvidence.Kind.OUT_OF_MEMORY.ordinal()) {
            return LossEvidence.Kind.PEER_OUT_OF_MEMORY;
        }
        return ordinal == LossEvidence.Kind.SILENCE.ordinal()
                ? LossEvidence.Kind.UNHEARD
                : LossEvidence.Kind.SOCKET_CLOSED;
    }

    private Buffer livenessPayload() {
        Buffer[] payload = {EMPTY};
        Node.guarded(() -> payload[0] = node.listener().livenessPayload(channel));
        Buffer answer = Buffer.buffer().appendLong(channel.bulkBytesRead());
        return payload[0].length() < node.options().maxFrameBytes() - Long.BYTES
                ? answer.appendBuffer(payload[0])
                : answer;
    }

    private void tick() {
        if (!channel.isAlive()) {
            return;
        }
        act(window.tick(node.nanos().getAsLong()));
    }

    private void act(LivenessWindow.Verdict verdict) {
        switch (verdict) {
            case LivenessWindow.Verdict.Silent silent ->
                channel.end(
                        LossEvidence.Kind.SILENCE,
                        "nothing received for " + silent.silentMs() + " ms, limit "
                                + node.options().livenessMisses() + " x "
                                + node.options().livenessIntervalMs() + " ms");
            case LivenessWindow.Verdict.Suspect(long afterMs) -> {
                if (confirmation < 0) {
                    confirmation = node.vertx().setTimer(afterMs, _ -> confirm());
                }
            }
            case LivenessWindow.Verdict.Alive _, LivenessWindow.Verdict.Restarted _ -> sender.offer(Frame.ASK, EMPTY);
        }
    }

    private void confirm() {
        confirmation = -1;
        if (channel.isAlive()) {
            act(window.confirm(node.nanos().getAsLong()));
        }
    }
}
