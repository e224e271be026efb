// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.GroupSecret;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.LossEvidence;
import io.netty.buffer.ByteBuf;
import java.util.Set;

/**
 * One accepted connection until its hello is accepted or refused. Takes one frame, of bounded size, within a deadline
 * that partial data does not extend. For the socket's event loop, except {@link #drop}.
 */
final class Admission implements Gate.Guest {
    private final Node node;
    private final ChannelBook book;
    private final Gate gate;
    private final ProcessAddress own;
    private final RawSocket socket;
    private final Frame.Reader reader;
    private long timer = -1;
    private boolean over;

    Admission(Node node, ChannelBook book, Gate gate, ProcessAddress own, RawSocket socket) {
        this.node = node;
        this.book = book;
        this.gate = gate;
        this.own = own;
        this.socket = socket;
        this.reader = new Frame.Reader(TcpOptions.MAX_HELLO_BYTES);
    }

    void begin() {
        gate.enter(this, socket.remoteHost());
        timer = node.vertx()
                .setTimer(
                        node.options().helloTimeoutMs(),
                        _ -> drop("sent no complete hello within "
                                + node.options().helloTimeoutMs() + " ms"));
        socket.onBytes(this::bytes);
        socket.onClose(this::leave);
    }

    /** Closes the connection, and logs the reason rate-limited. From any thread. */
    @Override
    public void drop(String why) {
        gate.complain(socket.remoteHost(), why);
        socket.abort();
    }

    private void bytes(ByteBuf in) {
        if (over) {
            in.release();
            return;
        }
        String problem = reader.feed(in, this::frame);
        if (problem != null) {
            leave();
            drop("sent " + problem);
        }
    }

    private boolean frame(byte type, ByteBuf body) {
        leave();
        if (type != Frame.HELLO) {
            drop("began with a frame of type " + type);
            return false;
        }
        switch (Hello.decode(body)) {
            case Hello.Decoded.Malformed malformed -> drop("sent " + malformed.why());
            case Hello.Decoded.OtherVersion other ->
                refuse(Refusal.Code.VERSION, "version " + other.version() + " is not " + Hello.VERSION);
            case Hello.Decoded.Valid valid -> judge(valid);
        }
        return false;
    }

    private void judge(Hello.Decoded.Valid said) {
        Hello hello = said.hello();
        ProcessId self = node.self();
        if (!hello.receiver().equals(self)) {
            refuse(Refusal.Code.OTHER_PROCESS, "expected " + hello.receiver() + ", this is " + self);
        } else if (hello.sender().equals(self)) {
            refuse(Refusal.Code.MALFORMED, "a process does not dial itself");
        } else if (hello.maxFrameBytes() < TcpOptions.LEAST_MAX_FRAME_BYTES) {
            refuse(
                    Refusal.Code.LIMITS,
                    "it accepts frames of " + hello.maxFrameBytes() + " bytes, at least "
                            + TcpOptions.LEAST_MAX_FRAME_BYTES + " are needed");
        } else {
            Set<GroupSecret.Id> proved = node.keyring()
                    .check(said.statement(), Hello.context(expected(hello), socket.binding()), said.proofs());
            if (proved.isEmpty() && node.keyring().isRequired()) {
                refuse(Refusal.Code.UNPROVED, Keyring.complaint(said.proofs()));
                return;
            }
            switch (hello.role()) {
                case CONTROL -> control(hello, proved);
                case BULK -> bulk(hello, proved);
            }
        }
    }

    /**
     * The nonce of this process that the proof must be bound to. A control hello can't contain one yet, so the peer is
     * known to be fresh only after its bulk hello.
     */
    private static long expected(Hello hello) {
        return hello.named() == null || hello.role() == Hello.Role.CONTROL
                ? 0
                : hello.named().theirs();
    }

    private void control(Hello hello, Set<GroupSecret.Id> proved) {
        long nonce = Node.nonce();
        ChannelGeneration generation = new ChannelGeneration(nonce, hello.nonce());
        ChannelBook.Answer answer = book.admit(
                hello,
                proved,
                after -> new TcpChannel(
                        node,
                        book,
                        new TcpChannel.Origin(
                                hello.address(), generation, false, hello.dial(), hello.maxFrameBytes(), after),
                        socket));
        switch (answer) {
            case ChannelBook.Answer.Refused refused -> refuse(refused.code(), "");
            case ChannelBook.Answer.Admitted admitted -> {
                if (admitted.superseded() != null) {
                    admitted.superseded().cancel();
                }
                admitted.replaced()
                        .forEach(old -> old.close(
                                old.peer().equals(hello.sender())
                                        ? LossEvidence.replaced(LossEvidence.Reason.LATER_HELLO)
                                        : new LossEvidence(
                                                LossEvidence.Kind.REPLACED,
                                                "process " + hello.sender() + " sent a hello from its address")));
                sendHello(hello, nonce);
                admitted.channel().startControl(node.options().helloTimeoutMs(), reader.rest());
            }
        }
    }

    private void bulk(Hello hello, Set<GroupSecret.Id> proved) {
        ChannelGeneration named = hello.named();
        TcpChannel channel = named == null
                ? null
                : book.opening(
                        hello.sender(), new ChannelGeneration(/* mine= */ named.theirs(), /* theirs= */ named.mine()));
        if (channel == null) {
            refuse(Refusal.Code.UNKNOWN_GENERATION, "no channel of that generation is being opened");
            return;
        }
        BulkConnection connection = new BulkConnection(node, channel, socket, hello.maxFrameBytes());
        if (!channel.attach(connection)) {
            refuse(Refusal.Code.UNKNOWN_GENERATION, "that channel has a bulk connection already, or is over");
            return;
        }
        channel.proved(proved);
        connection.answerWith(() -> sendHello(hello, named == null ? 0 : named.theirs()));
        connection.start(reader.rest());
    }

    private void sendHello(Hello received, long nonce) {
        ByteBuf out = socket.buffer(512);
        new Hello(
                        received.role(),
                        node.self(),
                        received.sender(),
                        nonce,
                        received.dial(),
                        node.options().maxFrameBytes(),
                        own.host(),
                        own.port(),
                        null)
                .encode(out, node.keyring(), received.nonce(), socket.binding());
        socket.write(out);
    }

    private void refuse(Refusal.Code code, String detail) {
        if (code != Refusal.Code.USE_MINE && code != Refusal.Code.STALE_DIAL) {
            gate.complain(socket.remoteHost(), "was refused: " + code + ", " + detail);
        }
        ByteBuf out = socket.buffer(256);
        new Refusal(code, node.self(), Hello.VERSION, detail).encode(out);
        long last = node.vertx().setTimer(node.options().helloTimeoutMs(), _ -> socket.abort());
        socket.onClose(() -> node.vertx().cancelTimer(last));
        socket.write(out).onComplete(_ -> socket.abort());
    }

    private void leave() {
        if (over) {
            return;
        }
        over = true;
        node.vertx().cancelTimer(timer);
        gate.leave(this);
    }
}
