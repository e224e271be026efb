// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.GroupSecret;
import io.muster.group.ProcessAddress;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.ConnectException;
import io.muster.transfer.LossEvidence;
import io.netty.buffer.ByteBuf;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.net.NetClient;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One attempt to open a channel. It opens the control connection and sends the hello, and connects the bulk connection
 * while the hello is under way. It is over when its channel is in the {@link ChannelBook}, at the first failure, or
 * when another channel makes it superfluous. Its fields belong to its control context.
 */
final class Dial implements ChannelBook.Attempt {
    /** The client and the contexts of both connections. */
    record Means(NetClient client, Context control, Context bulk) {}

    private final Node node;
    private final ChannelBook book;
    private final Means means;
    private final ProcessAddress own;
    private final ProcessAddress target;
    private final long number;
    private final @Nullable ChannelGeneration replaces;
    private final long nonce = Node.nonce();
    private final Promise<RawSocket> bulk = Promise.promise();
    private @Nullable RawSocket control;
    private long deadlineNanos;
    private long timer = -1;
    private boolean over;

    Dial(
            Node node,
            ChannelBook book,
            Means means,
            ProcessAddress own,
            ProcessAddress target,
            long number,
            @Nullable ChannelGeneration replaces) {
        this.node = node;
        this.book = book;
        this.means = means;
        this.own = own;
        this.target = target;
        this.number = number;
        this.replaces = replaces;
    }

    @Override
    public ProcessAddress target() {
        return target;
    }

    @Override
    public void start() {
        means.control().runOnContext(_ -> begin());
    }

    @Override
    public void cancel() {
        means.control().runOnContext(_ -> finish());
    }

    private void begin() {
        if (over) {
            book.release(this);
            return;
        }
        int timeoutMs = node.options().helloTimeoutMs();
        deadlineNanos = System.nanoTime() + timeoutMs * 1_000_000L;
        timer = node.vertx()
                .setTimer(timeoutMs, _ -> fail(ConnectFailures.silent(target, timeoutMs, "no answer to the hello")));
        connect(means.control())
                .onComplete(this::connected, failure -> fail(ConnectFailures.of(target, failure, timeoutMs)));
    }

    /** On the given context. */
    private Future<RawSocket> connect(Context context) {
        return EveryAddress.connect(means.client(), context, target.host(), target.port(), leftMs())
                .map(socket -> new RawSocket(socket, context));
    }

    private void connected(RawSocket socket) {
        if (over || !book.helloSent(this)) {
            socket.abort();
            finish();
            return;
        }
        control = socket;
        socket.onOutOfMemory(why -> {
            node.listener().notOpened(target, new LossEvidence(LossEvidence.Kind.OUT_OF_MEMORY, why));
            fail(ConnectFailures.outOfMemory(target, "this process has " + why));
        });
        Frame.Reader reader = new Frame.Reader(TcpOptions.MAX_HELLO_BYTES);
        socket.onBytes(in -> {
            String problem = reader.feed(in, (type, body) -> answered(reader, type, body));
            if (problem != null) {
                fail(ConnectFailures.protocol(target, "it answered with " + problem));
            }
        });
        socket.onClose(() -> fail(
                socket.endedByTlsAlert()
                        ? ConnectFailures.tls(target, "it ended the handshake" + socket.trouble())
                        : ConnectFailures.protocol(
                                target, "it closed the connection before it answered the hello" + socket.trouble())));
        sendHello(socket, Hello.Role.CONTROL, replaces, 0);
        means.bulk().runOnContext(_ -> connect(means.bulk()).onComplete(bulk));
    }

    private void sendHello(RawSocket socket, Hello.Role role, @Nullable ChannelGeneration named, long peerNonce) {
        ByteBuf out = socket.buffer(512);
        new Hello(
                        role,
                        node.self(),
                        target.process(),
                        nonce,
                        number,
                        node.options().maxFrameBytes(),
                        own.host(),
                        own.port(),
                        named)
                .encode(out, node.keyring(), peerNonce, socket.binding());
        socket.write(out);
    }

    /** The first frame of the peer on the control connection. */
    private boolean answered(Frame.Reader reader, byte type, ByteBuf body) {
        switch (type) {
            case Frame.HELLO -> {
                switch (Hello.decode(body)) {
                    case Hello.Decoded.Valid valid -> accept(reader, valid);
                    case Hello.Decoded.OtherVersion other ->
                        fail(ConnectFailures.protocol(
                                target,
                                "it has protocol version " + other.version() + ", this process has " + Hello.VERSION));
                    case Hello.Decoded.Malformed malformed ->
                        fail(ConnectFailures.protocol(target, "it answered with " + malformed.why()));
                }
            }
            case Frame.REFUSE -> {
                Refusal refusal = Refusal.decode(body);
                if (refusal == null) {
                    fail(ConnectFailures.protocol(target, "it answered with a malformed refusal"));
                } else if (refusal.code() == Refusal.Code.USE_MINE) {
                    yieldTo(refusal);
                } else {
                    fail(ConnectFailures.refused(target, refusal));
                }
            }
            default -> fail(ConnectFailures.protocol(target, "it answered with a frame of type " + type));
        }
        return false;
    }

    /** The peer's own dial is to be used: wait for it, within the deadline. */
    private void yieldTo(Refusal refusal) {
        if (!book.yielded(this)) {
            finish();
            return;
        }
        closeSockets();
        node.vertx().cancelTimer(timer);
        timer = node.vertx()
                .setTimer(
                        leftMs(),
                        _ -> fail(ConnectFailures.silent(
                                target,
                                node.options().helloTimeoutMs(),
                                "it refused this dial in favour of its own (" + refusal.code()
                                        + "), which did not arrive")));
    }

    private void accept(Frame.Reader reader, Hello.Decoded.Valid said) {
        Hello answer = said.hello();
        String mismatch = mismatch(answer);
        if (!answer.sender().equals(target.process())) {
            fail(ConnectFailures.otherProcess(target, answer.sender().toString()));
            return;
        }
        if (mismatch != null) {
            fail(ConnectFailures.protocol(target, mismatch));
            return;
        }
        RawSocket socket = control;
        Set<GroupSecret.Id> proved = socket == null ? Set.of() : proved(said, socket);
        if (proved.isEmpty() && node.keyring().isRequired()) {
            fail(ConnectFailures.unproved(target, Keyring.complaint(said.proofs())));
            return;
        }
        ChannelGeneration generation = new ChannelGeneration(nonce, answer.nonce());
        ChannelBook.Answer.Admitted admitted = socket == null
                ? null
                : book.answered(
                        this,
                        proved,
                        after -> new TcpChannel(
                                node,
                                book,
                                new TcpChannel.Origin(target, generation, true, number, answer.maxFrameBytes(), after),
                                socket));
        if (admitted == null || socket == null) {
            finish();
            return;
        }
        over = true;
        node.vertx().cancelTimer(timer);
        admitted.replaced()
                .forEach(stranger -> stranger.end(
                        LossEvidence.Kind.REPLACED, "process " + target.process() + " answers at its address"));
        TcpChannel channel = admitted.channel();
        channel.proved(proved);
        channel.ended().onComplete(_ -> book.release(this));
        channel.onReady(() -> book.release(this));
        bulk.future()
                .onComplete(
                        opened -> means.bulk().runOnContext(_ -> sendBulkHello(channel, opened, answer)),
                        failure -> channel.end(
                                LossEvidence.Kind.SOCKET_CLOSED,
                                "its bulk connection could not be opened: " + failure.getMessage()));
        channel.startControl(leftMs(), reader.rest());
    }

    /** The proofs of the answer are bound to the nonce of this dial, so they are not replayed. */
    private Set<GroupSecret.Id> proved(Hello.Decoded.Valid said, RawSocket socket) {
        return node.keyring().check(said.statement(), Hello.context(nonce, socket.binding()), said.proofs());
    }

    private @Nullable String mismatch(Hello answer) {
        if (answer.role() != Hello.Role.CONTROL
                || answer.dial() != number
                || !answer.receiver().equals(node.self())) {
            return "its answer does not match the hello of this dial";
        }
        return answer.maxFrameBytes() < TcpOptions.LEAST_MAX_FRAME_BYTES
                ? "it accepts frames of " + answer.maxFrameBytes() + " bytes, this process needs "
                        + TcpOptions.LEAST_MAX_FRAME_BYTES
                : null;
    }

    private void sendBulkHello(TcpChannel channel, RawSocket socket, Hello answer) {
        BulkConnection connection = new BulkConnection(node, channel, socket, answer.maxFrameBytes());
        if (!channel.attach(connection)) {
            socket.abort();
            return;
        }
        Frame.Reader reader = new Frame.Reader(TcpOptions.MAX_HELLO_BYTES);
        socket.onBytes(in -> {
            String problem = reader.feed(in, (type, body) -> {
                if (type == Frame.HELLO
                        && Hello.decode(body) instanceof Hello.Decoded.Valid valid
                        && valid.hello().role() == Hello.Role.BULK
                        && valid.hello().sender().equals(target.process())
                        && (!proved(valid, socket).isEmpty() || !node.keyring().isRequired())) {
                    return false;
                }
                Refusal refusal = type == Frame.REFUSE ? Refusal.decode(body) : null;
                channel.end(
                        LossEvidence.Kind.PROTOCOL_ERROR,
                        "it answered the bulk hello with "
                                + (refusal == null
                                        ? "a frame of type " + type
                                        : refusal.code() + " " + refusal.detail()));
                return false;
            });
            if (problem != null) {
                channel.end(LossEvidence.Kind.PROTOCOL_ERROR, "it answered the bulk hello with " + problem);
            } else if (channel.isAlive() && reader.taken() > 0) {
                connection.start(reader.rest());
            }
        });
        sendHello(
                socket,
                Hello.Role.BULK,
                channel.generation(),
                channel.generation().theirs());
        connection.sendProbe();
    }

    private long leftMs() {
        return Math.max(1, (deadlineNanos - System.nanoTime()) / 1_000_000);
    }

    private void fail(ConnectException failure) {
        if (over) {
            return;
        }
        finish();
        book.failed(this, failure);
    }

    private void finish() {
        if (over) {
            return;
        }
        over = true;
        if (timer >= 0) {
            node.vertx().cancelTimer(timer);
        }
        closeSockets();
        book.release(this);
    }

    private void closeSockets() {
        RawSocket socket = control;
        if (socket != null) {
            socket.onClose(() -> {});
            socket.abort();
        }
        bulk.future().onSuccess(RawSocket::abort);
    }
}
