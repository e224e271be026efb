// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import static io.muster.transfer.tcp.TestProcess.await;
import static io.muster.transfer.tcp.TestProcess.bytes;
import static io.muster.transfer.tcp.TestProcess.failure;
import static io.muster.transfer.tcp.TestProcess.next;
import static org.assertj.core.api.Assertions.assertThat;

import io.muster.Eventually;
import io.muster.group.GroupName;
import io.muster.group.GroupSecret;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.group.WriteException;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.ConnectException;
import io.muster.transfer.LossEvidence;
import io.muster.transfer.TcpTestOptions;
import io.muster.transfer.memory.Region;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

// S-1, S-2
@Timeout(60)
class ProvedChannelTest {
    private static final GroupSecret SECRET = GroupSecret.ofText("the secret of the group");
    private static final GroupSecret SECOND = GroupSecret.ofText("a second group's secret");
    private static final GroupSecret WRONG = GroupSecret.ofText("the secret of others...");
    private static final GroupName GROUP = new GroupName("g");
    private static final TcpOptions OPTIONS = TcpTestOptions.helloTimeoutMs(1_000);

    private final Vertx vertx = Vertx.vertx();
    private final List<TestProcess> processes = new ArrayList<>();
    private final TestProcess a = process(SECRET);

    private TestProcess process(GroupSecret... secrets) {
        var keyring = new Keyring();
        for (GroupSecret secret : secrets) {
            keyring.add(secret);
        }
        TestProcess process = TestProcess.start(vertx, OPTIONS, keyring);
        processes.add(process);
        return process;
    }

    @AfterEach
    void stop() {
        processes.forEach(TestProcess::close);
        await(vertx.close());
    }

    @Test
    void twoEndsWithACommonSecretNameTheirChannelAlike() {
        TestProcess b = process(SECOND, SECRET);
        Channel mine = a.connect(b);
        Channel theirs = next(b.opened);
        assertThat(mine.binding()).isEqualTo(theirs.binding()).hasSizeGreaterThanOrEqualTo(48);
        assertThat(a.connect(process(SECRET)).binding()).isNotEqualTo(mine.binding());
    }

    @Test
    void aWrongOrMissingSecretGetsNoChannelInEitherDirection() {
        for (TestProcess other : List.of(process(), process(WRONG), process(SECOND, WRONG))) {
            long before = a.transport.droppedConnections();
            assertThat(failure(other.transport.connect(a.transport.address())))
                    .isInstanceOfSatisfying(
                            ConnectException.class,
                            refused -> assertThat(refused.kind()).isEqualTo(ConnectException.Kind.UNPROVED))
                    .hasMessageContaining("security.secretFile")
                    .hasMessageContaining("group secret");
            assertThat(a.transport.droppedConnections()).as("counted").isEqualTo(before + 1);
            assertThat(failure(a.transport.connect(other.transport.address())))
                    .isInstanceOfSatisfying(
                            ConnectException.class,
                            refused -> assertThat(refused.kind()).isEqualTo(ConnectException.Kind.UNPROVED));
            assertThat(other.opened).isEmpty();
        }
        assertThat(a.opened).isEmpty();
    }

    /** Records the hellos of both ends of an honest channel, as a process between them could. */
    @Test
    void aReplayedHelloIsRefused() throws IOException {
        TestProcess b = process(SECRET);
        List<byte[]> heard = new ArrayList<>();
        try (ServerSocket relay = new ServerSocket(0)) {
            Thread.ofVirtual()
                    .start(() -> relayHellos(relay, b.transport.address().port(), heard));
            Channel honest = await(a.transport.connect(new ProcessAddress(b.id, "127.0.0.1", relay.getLocalPort())));
            next(b.opened);
            assertThat(heard).as("a control and a bulk hello").hasSize(2);
            long dropped = b.transport.droppedConnections();
            try (Socket control = new Socket("127.0.0.1", b.transport.address().port());
                    Socket bulk = new Socket("127.0.0.1", b.transport.address().port())) {
                control.getOutputStream().write(heard.get(0));
                assertThat(Refusal.decode(RawPeer.read(control).skipBytes(1)).code())
                        .as("its dial is not newer than that of the open channel")
                        .isEqualTo(Refusal.Code.STALE_DIAL);
                bulk.getOutputStream().write(heard.get(1));
                assertThat(Refusal.decode(RawPeer.read(bulk).skipBytes(1)).code())
                        .isEqualTo(Refusal.Code.UNKNOWN_GENERATION);
            }
            assertThat(honest.isAlive()).isTrue();
            honest.close(new LossEvidence(LossEvidence.Kind.CLOSED_HERE, "test"));
            next(b.lost);
            try (Socket control = new Socket("127.0.0.1", b.transport.address().port());
                    Socket bulk = new Socket("127.0.0.1", b.transport.address().port())) {
                control.getOutputStream().write(heard.get(0));
                ByteBuf answer = RawPeer.read(control);
                assertThat(answer.readByte())
                        .as("the process may be dialling again")
                        .isEqualTo(Frame.HELLO);
                bulk.getOutputStream().write(heard.get(1));
                assertThat(RawPeer.read(bulk).readByte())
                        .as("its bulk hello does not know the new nonce")
                        .isEqualTo(Frame.REFUSE);
                long theirs =
                        ((Hello.Decoded.Valid) Hello.decode(answer)).hello().nonce();
                ByteBuf forged = RawPeer.hello(Hello.Role.BULK, a.id, b.id, 1, 1, new ChannelGeneration(1, theirs));
                try (Socket again =
                        new Socket("127.0.0.1", b.transport.address().port())) {
                    RawPeer.send(again, forged);
                    assertThat(Refusal.decode(RawPeer.read(again).skipBytes(1)).code())
                            .isEqualTo(Refusal.Code.UNPROVED);
                }
            }
            assertThat(b.transport.droppedConnections()).isGreaterThan(dropped);
            assertThat(b.opened).as("no second channel").isEmpty();
        }
    }

    private static void relayHellos(ServerSocket relay, int port, List<byte[]> heard) {
        try {
            for (int i = 0; i < 2; i++) {
                Socket here = relay.accept();
                Socket there = new Socket("127.0.0.1", port);
                var in = new java.io.DataInputStream(here.getInputStream());
                int length = in.readInt();
                byte[] hello = new byte[4 + length];
                Unpooled.wrappedBuffer(hello).setInt(0, length);
                in.readFully(hello, 4, length);
                heard.add(hello);
                there.getOutputStream().write(hello);
                Thread.ofVirtual().start(() -> pump(here, there));
                Thread.ofVirtual().start(() -> pump(there, here));
            }
        } catch (IOException closed) {
            // the test is over
        }
    }

    private static void pump(Socket from, Socket to) {
        try (from;
                to) {
            from.getInputStream().transferTo(to.getOutputStream());
        } catch (IOException closed) {
            // either end has closed
        }
    }

    @Test
    void aTakenNameOrAddressEndsNoProvedChannel() throws IOException {
        TestProcess b = process(SECRET);
        Channel honest = a.connect(b);
        next(b.opened);
        ProcessAddress address = a.transport.address();
        List<ByteBuf> takeovers = List.of(
                RawPeer.hello(Hello.Role.CONTROL, a.id, b.id, 7, Long.MAX_VALUE, honest.generation()),
                hello(new ProcessId(9, 9), b.id, address));
        for (ByteBuf hello : takeovers) {
            try (Socket socket = new Socket("127.0.0.1", b.transport.address().port())) {
                RawPeer.send(socket, hello);
                assertThat(Refusal.decode(RawPeer.read(socket).skipBytes(1)).code())
                        .isEqualTo(Refusal.Code.UNPROVED);
            }
        }
        assertThat(honest.isAlive()).isTrue();
        assertThat(b.lost).isEmpty();
    }

    @Test
    void aMemberOfAnotherGroupEndsNoChannelOfThisGroup() throws IOException {
        TestProcess both = process(SECRET, SECOND);
        Channel honest = a.connect(both);
        Channel there = next(both.opened);
        var second = new Keyring();
        second.add(SECOND);
        for (ByteBuf hello : List.of(
                proved(a.id, both.id, new ProcessAddress(a.id, "127.0.0.1", 9), second),
                proved(new ProcessId(9, 9), both.id, a.transport.address(), second))) {
            try (Socket socket =
                    new Socket("127.0.0.1", both.transport.address().port())) {
                RawPeer.send(socket, hello);
                RawPeer.read(socket);
            }
            assertThat(there.isAlive()).isTrue();
        }
        assertThat(honest.isAlive()).isTrue();
        assertThat(both.lost).isEmpty();
    }

    private static ByteBuf hello(ProcessId id, ProcessId target, ProcessAddress at) {
        return proved(id, target, at, new Keyring());
    }

    private static ByteBuf proved(ProcessId id, ProcessId target, ProcessAddress at, Keyring keyring) {
        ByteBuf out = Unpooled.buffer();
        new Hello(Hello.Role.CONTROL, id, target, 7, Long.MAX_VALUE, 1 << 20, at.host(), at.port(), null)
                .encode(out, keyring, 0, Hello.NO_BINDING);
        return out;
    }

    @Test
    void aSecretAddedLaterEndsUnprovedChannels() {
        var keyring = new Keyring();
        TestProcess late = TestProcess.start(vertx, OPTIONS, keyring);
        processes.add(late);
        TestProcess stranger = process();
        stranger.connect(late);
        next(late.opened);
        assertThat(keyring.add(SECRET)).isTrue();
        late.transport.endUnproved();
        next(late.lost);
        next(stranger.lost);
        assertThat(failure(stranger.transport.connect(late.transport.address())))
                .isInstanceOf(ConnectException.class);
        assertThat(a.connect(late).isAlive()).isTrue();
        assertThat(keyring.add(SECRET)).isFalse();
        keyring.remove(SECRET);
        assertThat(keyring.isRequired()).isTrue();
        keyring.remove(SECRET);
        assertThat(keyring.isRequired()).isFalse();
    }

    @Test
    void aRegionIsWrittenOnlyOverAChannelGrantedToItsGroup() {
        TestProcess b = process(SECRET);
        var told = new AtomicInteger();
        Region region =
                b.regions.allocate("kv", 8, (_, _, _) -> told.incrementAndGet()).guardedBy(GROUP);
        Channel mine = a.connect(b);
        Channel theirs = next(b.opened);
        theirs.grant(new GroupName("another"));
        assertThat(failure(mine.write(region.remote(), 0, bytes(1))))
                .isInstanceOfSatisfying(
                        WriteException.class,
                        refused -> assertThat(refused.reason()).isEqualTo(WriteException.Reason.UNPROVED));
        assertThat(b.regions.refusals(WriteException.Reason.UNPROVED)).isEqualTo(1);
        assertThat(region.memory().get(ValueLayout.JAVA_BYTE, 0)).isZero();
        theirs.grant(GROUP);
        await(mine.write(region.remote(), 0, bytes(1)));
        assertThat(region.memory().get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 1);
        assertThat(told).hasValue(1);
        Eventually.value("one write is reported", () -> told.get(), seen -> seen == 1);
        await(region.close(Duration.ofSeconds(1)));
    }
}
