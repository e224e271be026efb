// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import static io.muster.transfer.tcp.TestProcess.await;
import static io.muster.transfer.tcp.TestProcess.bytes;
import static io.muster.transfer.tcp.TestProcess.failure;
import static io.muster.transfer.tcp.TestProcess.next;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.Eventually;
import io.muster.group.MusterException;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.ConnectException;
import io.muster.transfer.ControlKind;
import io.muster.transfer.LossEvidence;
import io.muster.transfer.TcpTestOptions;
import io.muster.transfer.memory.Region;
import io.muster.transfer.memory.RegionTable;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(40)
class TcpChannelTest {
    private static final TcpOptions QUICK = TcpTestOptions.liveness(50, 3);
    private final Vertx vertx = Vertx.vertx();

    @AfterEach
    void stop() {
        await(vertx.close());
    }

    @Test
    void bothEndsReportAChannelOfTheSameGeneration() {
        TestProcess a = TestProcess.start(vertx);
        TestProcess b = TestProcess.start(vertx);
        Channel here = a.connect(b);
        Channel there = next(b.opened);

        assertThat(next(a.opened)).isSameAs(here);
        assertThat(here.peer()).isEqualTo(b.id);
        assertThat(there.peer()).isEqualTo(a.id);
        assertThat(there.address()).isEqualTo(a.transport.address());
        assertThat(there.generation())
                .isEqualTo(new ChannelGeneration(
                        here.generation().theirs(), here.generation().mine()));
        assertThat(a.connect(b)).isSameAs(here);
        assertThat(b.connect(a)).isSameAs(there);
        assertThat(b.transport.channel(a.id)).containsSame(there);
        a.close();
        assertThat(next(b.lost).evidence())
                .isEqualTo(new LossEvidence(
                        LossEvidence.Kind.SOCKET_CLOSED,
                        LossEvidence.Reason.TRANSPORT_CLOSED,
                        "ended by the peer: the transport was closed"));
        assertThat(next(a.lost).evidence()).isEqualTo(LossEvidence.closedHere(LossEvidence.Reason.TRANSPORT_CLOSED));
        assertThat(b.transport.channel(a.id)).isEmpty();
        b.close();
        assertThat(a.aliveWhenLost.get() + b.aliveWhenLost.get()).isZero();
    }

    @Test
    void messagesArriveInOrderAndShareAFlush() {
        TestProcess a = TestProcess.start(vertx);
        TestProcess b = TestProcess.start(vertx);
        TcpChannel channel = (TcpChannel) a.connect(b);
        long before = channel.controlSender().flushes();
        vertx.getOrCreateContext().runOnContext(_ -> {
            for (int i = 0; i < 500; i++) {
                channel.send(ControlKind.GOSSIP, Buffer.buffer("message " + i));
            }
        });
        for (int i = 0; i < 500; i++) {
            TestProcess.Received received = next(b.received);
            assertThat(received.kind()).isEqualTo(ControlKind.GOSSIP);
            assertThat(received.text()).isEqualTo("message " + i);
        }
        assertThat(channel.controlSender().flushes() - before).isLessThan(50);
        assertThatThrownBy(() -> channel.send(ControlKind.LINK, Buffer.buffer(new byte[1 << 20])))
                .hasMessageContaining("at most");
        a.close();
        b.close();
    }

    /**
     * P-9: a process that was stopped finds the farewell and the end of the bulk connection when it wakes, and sees the
     * latter first.
     */
    @Test
    void theFarewellOfThePeerIsReadBeforeTheLossIsReported() throws Exception {
        readsTheFarewellOnWaking(here -> {});
    }

    /** The first write is answered with a reset, the next one fails. */
    @Test
    void theFarewellIsReadAlsoIfAWriteHasFailedBefore() throws Exception {
        readsTheFarewellOnWaking(here -> {
            here.send(ControlKind.GOSSIP, Buffer.buffer("a mark"));
            Context own = here.controlSocket().context();
            own.runOnContext(_ -> own.runOnContext(_ -> here.send(ControlKind.GOSSIP, Buffer.buffer("another"))));
        });
    }

    private void readsTheFarewellOnWaking(Consumer<TcpChannel> firstOfAll) throws Exception {
        Vertx elsewhere = Vertx.vertx();
        TestProcess a = TestProcess.start(vertx);
        TestProcess b = TestProcess.start(elsewhere);
        TcpChannel here = (TcpChannel) a.connect(b);
        Channel there = next(b.opened);
        var stopped = new CountDownLatch(1);
        var goesOn = new CountDownLatch(1);
        here.controlSocket().context().runOnContext(_ -> {
            stopped.countDown();
            try {
                assertThat(goesOn.await(20, TimeUnit.SECONDS))
                        .as("released within 20 s")
                        .isTrue();
                firstOfAll.accept(here);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        assertThat(stopped.await(20, TimeUnit.SECONDS))
                .as("its event loop is blocked within 20 s")
                .isTrue();

        there.close(new LossEvidence(LossEvidence.Kind.SILENCE, "nothing heard for 3000 ms"));
        Eventually.holds(
                "the bulk connection is closed", () -> here.bulkSocket().closed());
        assertThat(here.isAlive())
                .as("alive until the control connection was read")
                .isTrue();
        goesOn.countDown();

        assertThat(next(a.lost).evidence().kind()).isEqualTo(LossEvidence.Kind.UNHEARD);
        a.close();
        b.close();
        await(elsewhere.close());
    }

    // P-8
    @Test
    void simultaneousDialsMakeOneChannel() {
        long seed = 20_261_123;
        java.util.SplittableRandom random = new java.util.SplittableRandom(seed);
        long ties = 0;
        for (int round = 0; round < Integer.getInteger("muster.dial.rounds", 60); round++) {
            TestProcess a = TestProcess.start(
                    vertx, new ProcessId(random.nextLong(), 1), TcpTestOptions.liveness(1_000, 3), System::nanoTime);
            TestProcess b = TestProcess.start(
                    vertx, new ProcessId(random.nextLong(), 2), TcpTestOptions.liveness(1_000, 3), System::nanoTime);
            for (int turn = 0; turn < 3; turn++) {
                Promise<Channel> first = Promise.promise();
                Promise<Channel> second = Promise.promise();
                vertx.runOnContext(
                        _ -> a.transport.connect(b.transport.address()).onComplete(first));
                if (random.nextBoolean()) {
                    Thread.onSpinWait();
                }
                b.transport.connect(a.transport.address()).onComplete(second);
                Channel here = await(first.future());
                Channel there = await(second.future());

                assertThat(there.generation())
                        .as("seed %d round %d", seed, round)
                        .isEqualTo(new ChannelGeneration(
                                here.generation().theirs(), here.generation().mine()));
                assertThat(next(a.opened)).isSameAs(here);
                assertThat(next(b.opened)).isSameAs(there);
                Region region = b.regions.allocate("slot", 8, null);
                await(here.write(region.remote(), 0, bytes(round)));
                here.close(new LossEvidence(LossEvidence.Kind.CLOSED_HERE, "next turn"));
                next(a.lost);
                next(b.lost);
            }
            assertThat(a.opened).isEmpty();
            assertThat(b.opened).isEmpty();
            ties += a.transport.ties() + b.transport.ties();
            a.close();
            b.close();
        }
        assertThat(ties).as("simultaneous dials").isPositive();
    }

    // P-8, P-12: one end has detected the loss, the other has not
    @Test
    void aLaterHelloOfTheSameProcessReplacesTheChannelAtOnce() throws IOException {
        TestProcess b = TestProcess.start(vertx);
        ProcessId id = ProcessId.random(RandomGenerator.getDefault());
        try (RawPeer first = RawPeer.open(b, id, 1, null)) {
            Channel one = next(b.opened); // a channel that ends before it is open is no loss
            RawPeer second = RawPeer.open(b, id, 2, first.generation());
            Channel two = next(b.opened);
            TestProcess.Lost lost = next(b.lost);

            assertThat(lost.channel()).isSameAs(one);
            assertThat(lost.evidence().kind()).isEqualTo(LossEvidence.Kind.REPLACED);
            assertThat(two.isAlive()).isTrue();
            assertThat(b.transport.channel(id)).containsSame(two);
            // an earlier dial that arrives late is refused
            assertThatThrownBy(() -> RawPeer.open(b, id, 1, null).close()).hasMessageContaining("STALE_DIAL");
            assertThat(two.isAlive()).isTrue();
            second.close();
        }
        b.close();
    }

    // P-8
    @Test
    void aNewProcessAtTheSameAddressEndsTheOldChannel() throws IOException {
        TestProcess b = TestProcess.start(vertx);
        try (RawPeer old = RawPeer.open(b, ProcessId.random(RandomGenerator.getDefault()), 1, null)) {
            next(b.opened); // a channel that ends before it is open is no loss
            try (RawPeer young = RawPeer.open(b, ProcessId.random(RandomGenerator.getDefault()), 1, null)) {
                TestProcess.Lost lost = next(b.lost);
                assertThat(lost.channel().peer()).isEqualTo(old.id());
                assertThat(lost.evidence().detail()).contains(young.id().toString());
            }
        }
        b.close();
    }

    // P-12: each of the two sockets
    @Test
    void losingEitherSocketEndsTheChannelAtOnce() throws IOException {
        TestProcess b = TestProcess.start(vertx);
        ProcessId id = ProcessId.random(RandomGenerator.getDefault());
        for (int dial = 1; dial <= 2; dial++) {
            try (RawPeer peer = RawPeer.open(b, id, dial, null)) {
                Channel channel = next(b.opened);
                (dial == 1 ? peer.control() : peer.bulk()).close();
                TestProcess.Lost lost = next(b.lost);
                assertThat(lost.channel()).isSameAs(channel);
                assertThat(lost.evidence().kind()).isEqualTo(LossEvidence.Kind.SOCKET_CLOSED);
                assertThat((dial == 1 ? peer.bulk() : peer.control())
                                .getInputStream()
                                .readAllBytes())
                        .isNotNull();
            }
        }
        assertThat(b.aliveWhenLost).hasValue(0);
        b.close();
    }

    // P-9
    @Test
    void aSilentPeerIsLostWithTheMillisecondsOfSilence() throws IOException {
        TestProcess b = TestProcess.start(vertx, QUICK);
        try (RawPeer _ = RawPeer.open(b, ProcessId.random(RandomGenerator.getDefault()), 1, null)) {
            TestProcess.Lost lost = next(b.lost);
            assertThat(lost.evidence().kind()).isEqualTo(LossEvidence.Kind.SILENCE);
            assertThat(lost.evidence().detail())
                    .contains("nothing received for")
                    .contains("limit 3 x 50 ms");
        }
        b.close();
    }

    // P-9
    @Test
    void livenessAnswersCarryAPayloadAndAStopLosesNoPeer() {
        AtomicLong offset = new AtomicLong();
        TestProcess a = TestProcess.start(
                vertx, ProcessId.random(RandomGenerator.getDefault()), QUICK, () -> System.nanoTime() + offset.get());
        TestProcess b = TestProcess.start(vertx, TcpTestOptions.liveness(50, 100));
        a.connect(b);
        for (int stop = 0; stop < 5; stop++) {
            assertThat(next(a.liveness)).isEqualTo("alive " + b.id);
            offset.addAndGet(60_000_000_000L);
        }
        assertThat(next(b.liveness)).isEqualTo("alive " + a.id);
        assertThat(a.lost).isEmpty();
        assertThat(b.lost).isEmpty();
        a.close();
        b.close();
    }

    @Test
    void failedDialsReportTheirCause() throws IOException {
        TestProcess a = TestProcess.start(vertx, TcpTestOptions.helloTimeoutMs(300));
        TestProcess b = TestProcess.start(vertx, QUICK);
        ProcessId nobody = ProcessId.random(RandomGenerator.getDefault());
        int port = b.transport.address().port();

        assertThat(failure(a.transport.connect(new ProcessAddress(nobody, "127.0.0.1", port))))
                .isInstanceOfSatisfying(
                        ConnectException.class,
                        e -> assertThat(e.kind()).isEqualTo(ConnectException.Kind.OTHER_PROCESS))
                .hasMessageContaining(nobody.toString())
                .hasMessageContaining(b.id.toString());
        assertThatThrownBy(() -> a.transport.connect(a.transport.address()))
                .isInstanceOf(IllegalArgumentException.class);
        try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            assertThat(failure(a.transport.connect(new ProcessAddress(nobody, "127.0.0.1", silent.getLocalPort()))))
                    .isInstanceOfSatisfying(
                            ConnectException.class, e -> assertThat(e.kind()).isEqualTo(ConnectException.Kind.SILENT));
            port = silent.getLocalPort();
        }
        assertThat(failure(a.transport.connect(new ProcessAddress(nobody, "127.0.0.1", port))))
                .isInstanceOfSatisfying(
                        ConnectException.class, e -> assertThat(e.kind()).isEqualTo(ConnectException.Kind.REFUSED));
        try (ServerSocket odd = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            Future<Channel> dial = a.transport.connect(new ProcessAddress(nobody, "127.0.0.1", odd.getLocalPort()));
            try (var socket = odd.accept()) {
                socket.getOutputStream()
                        .write("SSH-2.0-OpenSSH_9.6\r\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
                assertThat(failure(dial))
                        .isInstanceOfSatisfying(
                                ConnectException.class,
                                e -> assertThat(e.kind()).isEqualTo(ConnectException.Kind.PROTOCOL));
            }
        }
        a.close();
        assertThat(failure(a.transport.connect(b.transport.address())))
                .isInstanceOfSatisfying(
                        ConnectException.class, e -> assertThat(e.kind()).isEqualTo(ConnectException.Kind.LOCAL));
        b.close();
    }

    @Test
    void aBusyPortOrAForeignAddressIsAConfigurationError() {
        TestProcess a = TestProcess.start(vertx);
        RegionTable regions = new RegionTable(vertx, vertx.createSharedWorkerExecutor("test"));
        Vertx other = Vertx.vertx();
        TcpOptions busy = TcpTestOptions.port(a.transport.address().port());
        for (Future<TcpTransport> start : java.util.List.of(
                TcpTransport.start(other, busy, new ProcessId(1, 1), regions, a),
                TcpTransport.start(vertx, busy, new ProcessId(1, 1), regions, a),
                TcpTransport.start(vertx, TcpOptions.defaults("192.0.2.1"), new ProcessId(1, 1), regions, a))) {
            assertThat(failure(start))
                    .isInstanceOfSatisfying(
                            MusterException.class, e -> assertThat(e.kind()).isEqualTo(MusterException.Kind.CONFIG))
                    .hasMessageContaining("can't open data port");
        }
        await(other.close());
        a.close();
    }

    @Test
    void aClosedTransportLeavesNoSocketOpen() {
        untilEveryEventLoopHasDialled(this::openAndClose);
        // of twenty, since the JVM opens a file or two of its own at any time
        int most = descriptors() + 10;
        for (int round = 0; round < 20; round++) {
            openAndClose();
        }
        Eventually.value("no more than " + most + " descriptors", TcpChannelTest::descriptors, now -> now <= most);
    }

    /**
     * An event loop opens descriptors of its own when it is used for the first time; contexts take the loops in turn.
     */
    private static void untilEveryEventLoopHasDialled(Runnable act) {
        for (int loop = 0; loop < 2 * VertxOptions.DEFAULT_EVENT_LOOP_POOL_SIZE; loop++) {
            act.run();
        }
    }

    private void openAndClose() {
        TestProcess a = TestProcess.start(vertx, QUICK);
        TestProcess b = TestProcess.start(vertx, QUICK);
        a.connect(b);
        a.close();
        b.close();
    }

    // P-7: more dials than may run at once, most of them to silent addresses
    @Test
    void dialsToSilentPeersAreFreedAgain() throws IOException {
        TcpOptions defaults = TcpOptions.defaults("127.0.0.1");
        TestProcess a = TestProcess.start(
                vertx,
                new TcpOptions(
                        "127.0.0.1", 0, "127.0.0.1", 500, 1_000, 3, defaults.maxFrameBytes(), 1_000, 20_000, 16, 2));
        TestProcess b = TestProcess.start(vertx);
        try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            java.util.List<Future<Channel>> dials = new java.util.ArrayList<>();
            for (int i = 0; i < 6; i++) {
                dials.add(a.transport.connect(
                        new ProcessAddress(new ProcessId(77, i), "127.0.0.1", silent.getLocalPort())));
            }
            assertThat(a.connect(b).isAlive()).isTrue();
            dials.forEach(dial ->
                    assertThat(((ConnectException) failure(dial)).kind()).isEqualTo(ConnectException.Kind.SILENT));
        }
        a.close();
        b.close();
    }

    // P-14
    @Test
    void twoHundredCyclesLeakNoDescriptorAndNoThread() {
        Assumptions.assumeTrue(new File("/proc/self/fd").isDirectory(), "no /proc/self/fd here");
        untilEveryEventLoopHasDialled(this::cycle);
        int most = descriptors() + 100; // as above
        int threads = Thread.activeCount();
        for (int round = 0; round < 200; round++) {
            cycle();
        }
        Eventually.value("no more than " + most + " descriptors", TcpChannelTest::descriptors, now -> now <= most);
        assertThat(Thread.activeCount()).isLessThanOrEqualTo(threads + 1);
    }

    private void cycle() {
        TestProcess a = TestProcess.start(vertx);
        TestProcess b = TestProcess.start(vertx);
        a.connect(b);
        a.close();
        b.close();
    }

    private static int descriptors() {
        String[] names = new File("/proc/self/fd").list();
        return names == null ? 0 : names.length;
    }

    // P-13: Vert.x has closed the client, and returns null instead of a future once the client is collected
    @Test
    void closingEndsAlsoAfterVertxWasClosedAndCollected() throws Exception {
        Vertx other = Vertx.vertx();
        TestProcess process = TestProcess.start(other);
        other.close().await(20, java.util.concurrent.TimeUnit.SECONDS);
        System.gc();
        try {
            process.transport.close().await(20, java.util.concurrent.TimeUnit.SECONDS);
        } catch (java.util.concurrent.RejectedExecutionException _) {
            // its event loops are gone: a rejection is an end as well
        }
        // no assertion: it passes if closing ends within 20 s
    }
}
