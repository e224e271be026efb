// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import static io.muster.transfer.tcp.TestProcess.await;
import static io.muster.transfer.tcp.TestProcess.bytes;
import static io.muster.transfer.tcp.TestProcess.next;
import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.ProcessId;
import io.muster.transfer.Channel;
import io.muster.transfer.ControlKind;
import io.muster.transfer.LossEvidence;
import io.muster.transfer.RemoteRegion;
import io.muster.transfer.TcpTestOptions;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A peer that speaks early, twice, or without end, and one that neither reads nor answers. */
@Timeout(40)
class UncooperativePeerTest {
    private static final ProcessId PEER = new ProcessId(9, 9);
    private static final int MIB = 1 << 20;

    /** Each of the four connections of two channels has an event loop of its own. */
    private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(8));

    /** Patient: the raw peer answers no liveness request. */
    private final TestProcess b = TestProcess.start(vertx, TcpTestOptions.liveness(1_000, 60));

    @AfterEach
    void stop() {
        b.close();
        await(vertx.close());
    }

    private static ByteBuf message(String text) {
        byte[] payload = text.getBytes(StandardCharsets.UTF_8);
        ByteBuf out = Unpooled.buffer();
        return Frame.head(out, Frame.CONTROL, 1 + payload.length)
                .writeByte(ControlKind.GOSSIP.ordinal())
                .writeBytes(payload);
    }

    @Test
    void aMessageBeforeTheChannelIsOpenIsDeliveredAfterIt() throws IOException {
        try (RawPeer peer = RawPeer.begin(b, PEER, 1, null, message("early"))) {
            RawPeer.send(peer.control(), message("soon"));
            assertThat(b.received).isEmpty();
            peer.prove();
            next(b.opened);
            RawPeer.send(peer.control(), message("late"));
            for (String text : new String[] {"early", "soon", "late"}) {
                assertThat(next(b.received).text()).isEqualTo(text);
            }
        }
    }

    @Test
    void aPeerThatLacksMemorySaysItBeforeTheChannelIsOpen() throws IOException {
        String why = "too little direct memory: 1 MiB";
        Buffer bye = Buffer.buffer()
                .appendByte((byte) LossEvidence.Kind.OUT_OF_MEMORY.ordinal())
                .appendString(why);
        try (RawPeer peer = RawPeer.begin(b, PEER, 1, null)) {
            RawPeer.send(
                    peer.control(),
                    Frame.head(Unpooled.buffer(), Frame.BYE, bye.length()).writeBytes(bye.getBytes()));
            assertThat(next(b.unopened)).isEqualTo(new LossEvidence(LossEvidence.Kind.PEER_OUT_OF_MEMORY, why));
        }
        assertThat(b.opened).isEmpty();
    }

    // T-3: until the deadline ends the connection, the system's buffers are all that it fills
    @Test
    void messagesBeforeTheChannelIsOpenAreBounded() throws IOException {
        TestProcess hasty = TestProcess.start(vertx, TcpTestOptions.helloTimeoutMs(1_500));
        byte[] flood = ByteBufUtil.getBytes(message("x".repeat(64 * 1024)));
        long sent = 0;
        try (RawPeer peer = RawPeer.begin(hasty, PEER, 1, null, message("first"))) {
            while (sent < 64 * MIB) {
                peer.control().getOutputStream().write(flood);
                sent += flood.length;
            }
        } catch (IOException closed) {
            assertThat(sent).isPositive();
        }
        assertThat(sent).isLessThan(64 * MIB);
        hasty.close();
    }

    // T-3
    @Test
    void aPeerThatReadsNoMessagesIsLost() throws IOException {
        try (RawPeer _ = RawPeer.open(b, PEER, 1, null)) {
            Channel channel = next(b.opened);
            Buffer half = Buffer.buffer(new byte[MIB / 2]);
            for (int sent = 0; sent < 200 && channel.isAlive(); sent++) {
                channel.send(ControlKind.GOSSIP, half);
            }
            LossEvidence evidence = next(b.lost).evidence();
            assertThat(evidence.kind()).isEqualTo(LossEvidence.Kind.PROTOCOL_ERROR);
            assertThat(evidence.detail()).contains("it does not read its control connection");
        }
    }

    @Test
    void messagesThatAreReadNeverEndTheChannel() {
        TestProcess a = TestProcess.start(vertx);
        Channel channel = a.connect(b);
        Buffer half = Buffer.buffer("x".repeat(MIB / 2));
        for (int sent = 0; sent < 150; sent++) { // more than may be unsent at a time
            channel.send(ControlKind.GOSSIP, half);
            next(b.received);
        }
        assertThat(channel.isAlive()).isTrue();
        assertThat(a.lost).isEmpty();
        a.close();
    }

    // T-3
    @Test
    void aPeerThatReadsNoAcknowledgementsIsLost() throws IOException {
        int batch = 10_000;
        ByteBuf writes = Unpooled.buffer();
        for (int i = 1; i <= batch; i++) {
            new BulkParser.ChunkHeader(i, 1_000_000, 1, 0, 1, 0).encode(writes, 1);
            writes.writeByte(0);
        }
        try (RawPeer peer = RawPeer.open(b, PEER, 1, null)) {
            Channel channel = next(b.opened);
            RawPeer.send(peer.bulk(), writes);
            long ackBytes = 4 + RawPeer.read(peer.bulk()).readableBytes();
            peer.bulk().getInputStream().skipNBytes((batch - 1) * ackBytes);
            for (long read = 0; read < 8 * MIB; read += batch * ackBytes) {
                RawPeer.send(peer.bulk(), writes);
                peer.bulk().getInputStream().skipNBytes(batch * ackBytes);
            }
            assertThat(channel.isAlive()).as("it has read them").isTrue();
            try {
                for (long unread = 0; unread < 64 * MIB; unread += batch * ackBytes) {
                    RawPeer.send(peer.bulk(), writes);
                }
            } catch (IOException closed) {
                assertThat(channel.isAlive()).isFalse();
            }
            LossEvidence evidence = next(b.lost).evidence();
            assertThat(evidence.kind()).isEqualTo(LossEvidence.Kind.PROTOCOL_ERROR);
            assertThat(evidence.detail()).contains("it does not read its acknowledgements");
        }
    }

    // T-3
    @Test
    void aBoundedNumberOfWritesIsSentWithoutAnAnswer() throws IOException {
        int most = 16_384;
        try (RawPeer peer = RawPeer.open(b, PEER, 1, null)) {
            Channel channel = next(b.opened);
            var source = bytes(7);
            for (int i = 0; i < most + 2; i++) {
                channel.write(new RemoteRegion(1, 1, 8), 0, source);
            }
            long chunkBytes = 4 + RawPeer.read(peer.bulk()).readableBytes();
            peer.bulk().getInputStream().skipNBytes((most - 1) * chunkBytes);
            assertThat(isSilent(peer.bulk()))
                    .as("more than " + most + " writes")
                    .isTrue();
            ByteBuf ack = Unpooled.buffer();
            BulkParser.encodeAck(ack, 1, 0, "");
            RawPeer.send(peer.bulk(), ack);
            assertThat(RawPeer.read(peer.bulk()).readByte()).isEqualTo(Frame.WRITE);
            assertThat(isSilent(peer.bulk())).as("one more for one answer").isTrue();
        }
    }

    private static boolean isSilent(Socket socket) throws IOException {
        socket.setSoTimeout(300);
        try {
            return socket.getInputStream().read() < 0;
        } catch (SocketTimeoutException silent) {
            return true;
        } finally {
            socket.setSoTimeout(20_000);
        }
    }

    @Test
    void aSecondBulkConnectionIsRefused() throws IOException {
        try (RawPeer peer = RawPeer.begin(b, PEER, 1, null);
                Socket second = new Socket("127.0.0.1", b.transport.address().port())) {
            ByteBuf probe = Unpooled.buffer();
            PathProbe.encode(probe, 1);
            RawPeer.send(peer.bulk(), probe);
            assertThat(RawPeer.read(peer.bulk()).readByte()).isEqualTo(Frame.HELLO);
            RawPeer.send(second, RawPeer.hello(Hello.Role.BULK, PEER, b.id, 1_000, 1, peer.generation()));
            ByteBuf answer = RawPeer.read(second);
            assertThat(answer.readByte()).isEqualTo(Frame.REFUSE);
            Refusal refusal = Refusal.decode(answer);
            assertThat(refusal.code()).isEqualTo(Refusal.Code.UNKNOWN_GENERATION);
            assertThat(refusal.detail()).contains("has a bulk connection already");
            RawPeer.send(peer.bulk(), Frame.head(Unpooled.buffer(), Frame.PROBE_OK, 0));
            assertThat(next(b.opened).isAlive()).as("the first one counts").isTrue();
        }
    }

    // P-12
    @Test
    void theLossOfAChannelIsReportedBeforeItsSuccessorOpens() throws Exception {
        try (RawPeer first = RawPeer.open(b, PEER, 1, null)) {
            TcpChannel one = (TcpChannel) next(b.opened);
            var goesOn = new CountDownLatch(1);
            one.controlSocket().context().runOnContext(_ -> {
                try {
                    goesOn.await(20, TimeUnit.SECONDS);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            try (RawPeer _ = RawPeer.open(b, PEER, 2, first.generation())) {
                assertThat(one.isAlive()).isFalse();
                assertThat(b.opened.poll(300, TimeUnit.MILLISECONDS))
                        .as("opened before the loss was reported")
                        .isNull();
                goesOn.countDown();
                assertThat(next(b.lost).channel()).isSameAs(one);
                assertThat(next(b.opened).isAlive()).isTrue();
            }
        }
    }
}
