// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import static io.muster.transfer.tcp.TestProcess.await;
import static io.muster.transfer.tcp.TestProcess.failure;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.group.GroupSecret;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.transfer.Channel;
import io.muster.transfer.ConnectException;
import io.muster.transfer.TcpTestOptions;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Dials to an acceptor over plain sockets that answers what the test says, or nothing. */
@Timeout(30)
class DialAnswersTest {
    private static final ProcessId PEER = new ProcessId(9, 9);
    private static final GroupSecret SECRET = GroupSecret.ofText("the secret of the group");
    private static final int LEAST = TcpOptions.LEAST_MAX_FRAME_BYTES;

    private final Vertx vertx = Vertx.vertx();
    private final List<Socket> accepted = new ArrayList<>();
    private ServerSocket acceptor;

    @BeforeEach
    void listen() throws IOException {
        acceptor = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        acceptor.setSoTimeout(20_000);
    }

    @AfterEach
    void stop() throws IOException {
        acceptor.close();
        for (Socket socket : accepted) {
            socket.close();
        }
        await(vertx.close());
    }

    private Future<Channel> dial(TestProcess from, ProcessId target) {
        return from.transport.connect(new ProcessAddress(target, "127.0.0.1", acceptor.getLocalPort()));
    }

    private Socket accept() throws IOException {
        Socket socket = acceptor.accept();
        accepted.add(socket);
        return socket;
    }

    private static Hello helloOf(Socket socket) throws IOException {
        ByteBuf frame = RawPeer.read(socket);
        assertThat(frame.readByte()).isEqualTo(Frame.HELLO);
        return ((Hello.Decoded.Valid) Hello.decode(frame)).hello();
    }

    private static Hello answer(Hello.Role role, ProcessId sender, ProcessId receiver, long dial, int maxFrameBytes) {
        return new Hello(role, sender, receiver, 77, dial, maxFrameBytes, "127.0.0.1", 9, null);
    }

    private static void send(Socket socket, Hello answer, Keyring keyring, long peerNonce) throws IOException {
        ByteBuf out = Unpooled.buffer();
        answer.encode(out, keyring, peerNonce, Hello.NO_BINDING);
        RawPeer.send(socket, out);
    }

    @Test
    void anAnswerThatDoesNotFitTheDialFailsIt() throws IOException {
        TestProcess a = TestProcess.start(vertx, TcpTestOptions.helloTimeoutMs(2_000));
        ProcessId other = new ProcessId(5, 5);
        record Case(Hello answer, ConnectException.Kind kind, String said) {}
        long dial = 0;
        for (Case one : List.of(
                new Case(
                        answer(Hello.Role.CONTROL, other, a.id, 1, LEAST),
                        ConnectException.Kind.OTHER_PROCESS,
                        "two hosts have this address"),
                new Case(
                        answer(Hello.Role.BULK, PEER, a.id, 2, LEAST),
                        ConnectException.Kind.PROTOCOL,
                        "does not match the hello of this dial"),
                new Case(
                        answer(Hello.Role.CONTROL, PEER, other, 3, LEAST),
                        ConnectException.Kind.PROTOCOL,
                        "does not match the hello of this dial"),
                new Case(
                        answer(Hello.Role.CONTROL, PEER, a.id, 77, LEAST),
                        ConnectException.Kind.PROTOCOL,
                        "does not match the hello of this dial"),
                new Case(
                        answer(Hello.Role.CONTROL, PEER, a.id, 5, LEAST - 1),
                        ConnectException.Kind.PROTOCOL,
                        "it accepts frames of " + (LEAST - 1) + " bytes"))) {
            Future<Channel> dialled = dial(a, PEER);
            Socket control = accept();
            assertThat(helloOf(control).dial()).isEqualTo(++dial);
            accept(); // the bulk connection
            send(control, one.answer(), new Keyring(), 0);
            assertThat(failure(dialled))
                    .isInstanceOfSatisfying(
                            ConnectException.class,
                            failure -> assertThat(failure.kind()).isEqualTo(one.kind()))
                    .hasMessageContaining(one.said());
        }
        assertThat(a.opened).isEmpty();
        a.close();
    }

    // S-1: the control connection may be relayed from an honest process, and the bulk connection be a stranger's
    @Test
    void aBulkConnectionThatProvesNoSecretOpensNoChannel() throws IOException {
        var keyring = new Keyring();
        keyring.add(SECRET);
        TestProcess a = TestProcess.start(vertx, TcpTestOptions.helloTimeoutMs(5_000), keyring);
        Future<Channel> dialled = dial(a, PEER);
        Socket control = accept();
        Socket bulk = accept();
        Hello hello = helloOf(control);
        send(control, answer(Hello.Role.CONTROL, PEER, a.id, hello.dial(), LEAST), keyring, hello.nonce());
        helloOf(bulk);
        ByteBuf unproved = Unpooled.buffer();
        answer(Hello.Role.BULK, PEER, a.id, hello.dial(), LEAST).encode(unproved);
        PathProbe.encode(unproved, 1);
        Frame.head(unproved, Frame.PROBE_OK, 0);
        RawPeer.send(bulk, unproved);

        assertThat(failure(dialled))
                .isInstanceOfSatisfying(
                        ConnectException.class,
                        failure -> assertThat(failure.kind()).isEqualTo(ConnectException.Kind.PROTOCOL))
                .hasMessageContaining("it answered the bulk hello with");
        assertThat(a.opened).isEmpty();
        a.close();
    }

    // P-7
    @Test
    void aDialThatYieldedEndsIfTheOtherDoesNotArrive() throws IOException {
        TestProcess a = TestProcess.start(vertx, TcpTestOptions.helloTimeoutMs(300));
        Future<Channel> dialled = dial(a, PEER);
        Socket control = accept();
        helloOf(control);
        ByteBuf refusal = Unpooled.buffer();
        new Refusal(Refusal.Code.USE_MINE, PEER, Hello.VERSION, "").encode(refusal);
        RawPeer.send(control, refusal);

        assertThat(failure(dialled))
                .isInstanceOfSatisfying(
                        ConnectException.class,
                        failure -> assertThat(failure.kind()).isEqualTo(ConnectException.Kind.SILENT))
                .hasMessageContaining("it refused this dial in favour of its own");
        a.close();
    }

    // P-7, P-13
    @Test
    void dialsAreBoundedAndEndWithTheTransport() throws IOException {
        TcpOptions usual = TcpTestOptions.helloTimeoutMs(25_000);
        TestProcess a = TestProcess.start(
                vertx,
                new TcpOptions(
                        "127.0.0.1",
                        0,
                        "127.0.0.1",
                        usual.helloTimeoutMs(),
                        usual.livenessIntervalMs(),
                        usual.livenessMisses(),
                        usual.maxFrameBytes(),
                        usual.writeTimeoutMs(),
                        usual.keepaliveMs(),
                        usual.maxUnauthenticatedConnections(),
                        /* maxSimultaneousDials= */ 2));
        List<Future<Channel>> dials = new ArrayList<>();
        for (int i = 1; i <= 6; i++) {
            dials.add(dial(a, new ProcessId(77, i)));
        }
        for (int connection = 0; connection < 2 * 2; connection++) {
            accept(); // a control and a bulk connection for each of two dials
        }
        acceptor.setSoTimeout(300);
        assertThatThrownBy(this::accept).as("a third dial").isInstanceOf(SocketTimeoutException.class);

        a.close();

        for (Future<Channel> dialled : dials) {
            assertThat(failure(dialled))
                    .isInstanceOfSatisfying(
                            ConnectException.class,
                            failure -> assertThat(failure.kind()).isEqualTo(ConnectException.Kind.LOCAL))
                    .hasMessageContaining("this transport was closed");
        }
    }
}
