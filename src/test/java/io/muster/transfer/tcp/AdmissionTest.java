// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import static io.muster.transfer.tcp.TestProcess.await;
import static io.muster.transfer.tcp.TestProcess.next;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.Eventually;
import io.muster.group.ProcessId;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.LossEvidence;
import io.muster.transfer.TcpTestOptions;
import io.muster.transfer.memory.Region;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

// T-3
@Timeout(30)
class AdmissionTest {
    private static final ProcessId STRANGER = new ProcessId(9, 9);
    private final Vertx vertx = Vertx.vertx();
    private final TestProcess a = TestProcess.start(vertx);
    private final TestProcess b = TestProcess.start(vertx, TcpTestOptions.helloTimeoutMs(400));

    @AfterEach
    void stop() {
        a.close();
        b.close();
        await(vertx.close());
    }

    private Socket socket() throws IOException {
        return new Socket("127.0.0.1", b.transport.address().port());
    }

    private static void endsWithin(Socket socket) throws IOException {
        socket.setSoTimeout(10_000);
        try {
            socket.getInputStream().readAllBytes();
        } catch (SocketException reset) {
            assertThat(reset).hasMessageContaining("reset");
        }
    }

    @Test
    void garbageOnAConnectionClosesThatConnectionOnly() throws IOException {
        Channel channel = a.connect(b);
        Random random = new Random(4);
        byte[] noise = new byte[100_000];
        random.nextBytes(noise);
        ByteBuf write = Unpooled.buffer();
        new BulkParser.ChunkHeader(1, 1, 1, 0, 8, 0).encode(write, 8);
        write.writeLong(0);
        List<byte[]> starts = List.of(
                noise,
                "GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII),
                new byte[] {0, 0, 0, 0, 1},
                new byte[] {127, 0, 0, 0, 1},
                io.netty.buffer.ByteBufUtil.getBytes(write),
                new byte[] {0, 0, 0, 3, 1, 2, 3});
        for (byte[] start : starts) {
            try (Socket socket = socket()) {
                try {
                    socket.getOutputStream().write(start);
                } catch (SocketException closedMeanwhile) {
                    assertThat(closedMeanwhile).isNotNull();
                }
                endsWithin(socket);
            }
        }
        Eventually.value(
                "every dropped connection is counted",
                () -> b.transport.droppedConnections(),
                seen -> seen >= starts.size());
        assertThat(channel.isAlive()).isTrue();
        assertThat(b.lost).isEmpty();
    }

    @Test
    void incompleteHellosEndAtTheDeadline() throws IOException {
        byte[] hello =
                io.netty.buffer.ByteBufUtil.getBytes(RawPeer.hello(Hello.Role.CONTROL, STRANGER, b.id, 1, 1, null));
        try (Socket half = socket();
                Socket trickle = socket()) {
            half.getOutputStream().write(hello, 0, hello.length / 2);
            vertx.setPeriodic(20, timer -> {
                try {
                    trickle.getOutputStream().write(0);
                } catch (IOException closedByTheOtherEnd) {
                    vertx.cancelTimer(timer);
                }
            });
            trickle.getOutputStream().write(hello, 0, 4);
            endsWithin(half);
            endsWithin(trickle);
        }
        assertThat(b.opened).isEmpty();
        Eventually.value(
                "no unauthenticated connection is held",
                () -> b.transport.unauthenticatedConnections(),
                seen -> seen == 0);
    }

    @Test
    void endsAChannelWithoutABulkConnectionAtTheDeadline() throws Exception {
        try (Socket socket = socket()) {
            RawPeer.send(socket, RawPeer.hello(Hello.Role.CONTROL, STRANGER, b.id, 1, 1, null));
            endsWithin(socket);
        }
        assertThat(b.lost.poll(200, TimeUnit.MILLISECONDS))
                .as("the loss of a channel that was never open")
                .isNull();
        assertThat(b.opened).isEmpty();
    }

    @Test
    void threeHundredSilentConnectionsDoNotBlockARealOne() throws IOException {
        TestProcess patient = TestProcess.start(vertx);
        List<Socket> silent = new ArrayList<>();
        try {
            for (int i = 0; i < 300; i++) {
                silent.add(new Socket("127.0.0.1", patient.transport.address().port()));
            }
            Channel channel = a.connect(patient);
            assertThat(channel.isAlive()).isTrue();
            Eventually.value(
                    "the oldest were dropped", () -> patient.transport.droppedConnections(), seen -> seen >= 44);
            assertThat(patient.transport.unauthenticatedConnections()).isLessThanOrEqualTo(256);
        } finally {
            for (Socket socket : silent) {
                socket.close();
            }
            patient.close();
        }
    }

    @Test
    void refusalsNameVersionProcessAndLimits() throws IOException {
        ByteBuf otherVersion = RawPeer.hello(Hello.Role.CONTROL, STRANGER, b.id, 1, 1, null);
        otherVersion.setShort(9, 7);
        ByteBuf limits = Unpooled.buffer();
        new Hello(Hello.Role.CONTROL, STRANGER, b.id, 1, 1, 100, "127.0.0.1", 9, null).encode(limits);
        record Case(ByteBuf hello, Refusal.Code code) {}
        for (Case one : List.of(
                new Case(otherVersion, Refusal.Code.VERSION),
                new Case(limits, Refusal.Code.LIMITS),
                new Case(RawPeer.hello(Hello.Role.CONTROL, STRANGER, a.id, 1, 1, null), Refusal.Code.OTHER_PROCESS),
                new Case(
                        RawPeer.hello(Hello.Role.BULK, STRANGER, b.id, 1, 1, new ChannelGeneration(1, 2)),
                        Refusal.Code.UNKNOWN_GENERATION))) {
            try (Socket socket = socket()) {
                RawPeer.send(socket, one.hello());
                ByteBuf answer = RawPeer.read(socket);
                assertThat(answer.readByte()).isEqualTo(Frame.REFUSE);
                Refusal refusal = Refusal.decode(answer);
                assertThat(refusal).isNotNull();
                assertThat(refusal.code()).isEqualTo(one.code());
                assertThat(refusal.by()).isEqualTo(b.id);
                endsWithin(socket);
            }
        }
    }

    // P-5: one direction alone does not prove that large packets pass
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aWriteOverAHalfProvedPathIsNotApplied(boolean inwards) throws IOException {
        Region region = b.regions.allocate("kv", 8, null);
        try (RawPeer peer = RawPeer.begin(b, STRANGER, 1, null)) {
            ByteBuf bytes = Unpooled.buffer();
            if (inwards) {
                PathProbe.encode(bytes, 1);
            } else {
                Frame.head(bytes, Frame.PROBE_OK, 0);
            }
            new BulkParser.ChunkHeader(1, region.id(), region.remote().key(), 0, 8, 0).encode(bytes, 8);
            RawPeer.send(peer.bulk(), bytes.writeLong(-1));
            assertThatThrownBy(() -> {
                        for (ByteBuf frame = RawPeer.read(peer.bulk()); ; frame = RawPeer.read(peer.bulk())) {
                            assertThat(frame.readByte())
                                    .as("frames until the connection is closed")
                                    .isNotEqualTo(Frame.ACK);
                        }
                    })
                    .isInstanceOf(IOException.class);
        }
        assertThat(region.memory().get(ValueLayout.JAVA_LONG_UNALIGNED, 0)).isZero();
        assertThat(b.opened).isEmpty();
    }

    @Test
    void aPeerThatBreaksTheProtocolLosesOnlyItsChannel() throws IOException {
        Channel good = a.connect(b);
        next(b.opened);
        try (RawPeer peer = RawPeer.open(b, STRANGER, 1, null)) {
            next(b.opened);
            RawPeer.send(peer.control(), Frame.head(Unpooled.buffer(), (byte) 77, 0));
            assertThat(next(b.lost).evidence().kind()).isEqualTo(LossEvidence.Kind.PROTOCOL_ERROR);
        }
        assertThat(good.isAlive()).isTrue();
    }
}
