// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import static io.muster.transfer.tcp.TestProcess.await;
import static io.muster.transfer.tcp.TestProcess.bytes;
import static io.muster.transfer.tcp.TestProcess.failure;
import static io.muster.transfer.tcp.TestProcess.next;
import static io.muster.transfer.tcp.TestProcess.pattern;
import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.MusterException;
import io.muster.group.WriteException;
import io.muster.transfer.Channel;
import io.muster.transfer.ControlKind;
import io.muster.transfer.LossEvidence;
import io.muster.transfer.RemoteRegion;
import io.muster.transfer.TcpTestOptions;
import io.muster.transfer.memory.Region;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class TcpWriteTest {
    /** One Vert.x per process, so that the two share no event loop. */
    private final Vertx vertx = Vertx.vertx();

    private final Vertx other = Vertx.vertx();
    private TestProcess a;
    private TestProcess b;
    private Channel channel;

    @BeforeEach
    void start() {
        a = TestProcess.start(vertx);
        b = TestProcess.start(other);
        channel = a.connect(b);
    }

    @AfterEach
    void stop() {
        a.close();
        b.close();
        await(vertx.close());
        await(other.close());
    }

    // P-5
    @Test
    void aWriteCompletesAfterItsBytesArrivedAndWereReported() {
        BlockingQueue<String> written = new LinkedBlockingQueue<>();
        Region region = b.regions.allocate(
                "slot", 64, (r, offset, length) -> written.add(r.id() + " " + offset + " " + length));

        await(channel.write(region.remote(), 8, bytes(1, 2, 3)));

        assertThat(written.poll()).isEqualTo(region.id() + " 8 3");
        assertThat(region.memory().asSlice(7, 5).toArray(ValueLayout.JAVA_BYTE)).containsExactly(0, 1, 2, 3, 0);
    }

    // P-5, T-5: also with a garbage collection in the middle, which closes clients that no object refers to
    @Test
    void carries64MiBIntactDuringGarbageCollection() {
        long size = 64L << 20;
        AtomicInteger told = new AtomicInteger();
        Region region = b.regions.allocate("large", size, (_, _, _) -> told.incrementAndGet());
        MemorySegment source = pattern(size, 7);

        Future<Void> write = channel.write(region.remote(), 0, source);
        Future<Void> behind = channel.write(region.remote(), 0, source);
        System.gc();
        System.gc();
        await(write);
        await(behind);

        assertThat(region.memory().mismatch(source)).isEqualTo(-1);
        assertThat(told).hasValue(2);
        assertThat(channel.isAlive()).isTrue();
    }

    // T-4
    @Test
    void aLargeWriteDoesNotDelayASmallOne() {
        Region large = b.regions.allocate("large", 64L << 20, null);
        Region small = b.regions.allocate("small", 8, null);
        List<String> order = java.util.Collections.synchronizedList(new ArrayList<>());

        Future<Void> first =
                channel.write(large.remote(), 0, pattern(64L << 20, 1)).onSuccess(_ -> order.add("large"));
        Future<Void> second =
                channel.write(small.remote(), 0, bytes(1, 2, 3, 4, 5, 6, 7, 8)).onSuccess(_ -> order.add("small"));
        await(Future.all(first, second));

        assertThat(order).containsExactly("small", "large");
    }

    @Test
    void thousandsOfSmallWritesArriveAtTheirOffsets() {
        int count = 40_000;
        Region region = b.regions.allocate("slots", count * 8L, null);
        MemorySegment source = pattern(count * 8L, 3);
        List<Future<Void>> writes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            writes.add(channel.write(region.remote(), i * 8L, source.asSlice(i * 8L, 8)));
        }
        await(Future.all(writes));

        assertThat(region.memory().mismatch(source)).isEqualTo(-1);
    }

    // T-1
    @Test
    void theTargetRefusesAndCountsEachInvalidWrite() {
        Region region = b.regions.allocate("slot", 16, null);
        RemoteRegion good = region.remote();
        RemoteRegion lying = new RemoteRegion(good.id(), good.key(), Long.MAX_VALUE);
        record Claim(RemoteRegion region, long offset, WriteException.Reason reason) {}
        List<Claim> claims = List.of(
                new Claim(new RemoteRegion(good.id() + 1, good.key(), 16), 0, WriteException.Reason.UNKNOWN_REGION),
                new Claim(new RemoteRegion(good.id(), good.key() + 1, 16), 0, WriteException.Reason.WRONG_KEY),
                new Claim(good, 13, WriteException.Reason.OUT_OF_BOUNDS),
                new Claim(lying, 13, WriteException.Reason.OUT_OF_BOUNDS),
                new Claim(lying, 16, WriteException.Reason.OUT_OF_BOUNDS),
                new Claim(lying, Long.MAX_VALUE - 4, WriteException.Reason.OUT_OF_BOUNDS),
                new Claim(lying, -1, WriteException.Reason.OUT_OF_BOUNDS));

        for (Claim claim : claims) {
            assertThat(failure(channel.write(claim.region(), claim.offset(), bytes(1, 2, 3, 4))))
                    .isInstanceOfSatisfying(
                            WriteException.class,
                            refused ->
                                    assertThat(refused.reason()).as("%s", claim).isEqualTo(claim.reason()))
                    .hasMessageContaining("region=" + claim.region().id())
                    .hasMessageContaining("peer=" + b.id);
        }
        assertThat(b.regions.refusals(WriteException.Reason.OUT_OF_BOUNDS)).isEqualTo(3);
        assertThat(region.memory().toArray(ValueLayout.JAVA_BYTE)).containsOnly(0);
        await(channel.write(good, 12, bytes(1, 2, 3, 4)));
    }

    // T-1: the remaining chunks of a large refused write are skipped
    @Test
    void aLargeRefusedWriteLeavesTheConnectionUsable() {
        Region region = b.regions.allocate("slot", 16, null);
        RemoteRegion lying = new RemoteRegion(region.id(), region.remote().key(), Long.MAX_VALUE);
        MemorySegment source = pattern(16 << 20, 5);

        assertThat(failure(channel.write(lying, 0, source)))
                .isInstanceOfSatisfying(
                        WriteException.class,
                        refused -> assertThat(refused.reason()).isEqualTo(WriteException.Reason.OUT_OF_BOUNDS));
        await(channel.write(region.remote(), 0, bytes(1)));
    }

    // P-5
    @Test
    void anEmptyWriteFails() {
        Region region = b.regions.allocate("slot", 16, null);

        assertThat(failure(channel.write(region.remote(), 0, bytes())))
                .isInstanceOfSatisfying(
                        WriteException.class,
                        refused -> assertThat(refused.reason()).isEqualTo(WriteException.Reason.EMPTY));
    }

    @Test
    void refusesAConfinedOrHeapSourceWithAReason() {
        Region region = b.regions.allocate("slot", 16, null);
        try (Arena confined = Arena.ofConfined()) {
            assertThat(failure(channel.write(region.remote(), 0, confined.allocate(8))))
                    .isInstanceOfSatisfying(
                            WriteException.class,
                            refused -> assertThat(refused.kind()).isEqualTo(MusterException.Kind.CONFIG))
                    .hasMessageContaining("a shared, automatic or global arena")
                    .hasMessageNotContaining("log of");
        }
        assertThat(failure(channel.write(region.remote(), 0, MemorySegment.ofArray(new byte[8]))))
                .hasMessageContaining("heap")
                .hasMessageNotContaining("log of");
        await(channel.write(region.remote(), 0, bytes(1)));
    }

    // the application breaks the rule that a source stays valid; writes of others are not affected
    // L-4
    @Test
    void aSourceThatIsClosedFailsItsWriteAlone() {
        Region region = b.regions.allocate("large", 8L << 20, null);
        MemorySegment lasting = pattern(1L << 20, 3);
        int failed = 0;
        for (int bytes : new int[] {8, 2_000, 100_000, 8 << 20}) {
            for (int round = 0; round < 20; round++) {
                Arena arena = Arena.ofShared();
                List<Future<Void>> good = new ArrayList<>();
                good.add(channel.write(region.remote(), 0, lasting));
                Future<Void> bad = channel.write(region.remote(), 0, arena.allocate(bytes, 8));
                good.add(channel.write(region.remote(), 0, lasting));
                close(arena);
                good.add(channel.write(region.remote(), 0, lasting));

                good.forEach(write -> await(write));
                await(bad.transform(_ -> Future.succeededFuture()));
                if (bad.failed()) {
                    failed++;
                    assertThat(bad.cause())
                            .isInstanceOfSatisfying(
                                    WriteException.class,
                                    refused -> assertThat(refused.reason()).isEqualTo(WriteException.Reason.UNUSABLE))
                            .hasMessageContaining("was closed while the transfer was under way");
                }
            }
        }
        assertThat(failed).as("writes that met a closed source").isPositive();
        assertThat(channel.isAlive()).isTrue();
        assertThat(await(region.close(Duration.ofSeconds(10)))).isEqualTo(new Region.End.Closed());
    }

    // the destination of a read is registered memory of the application: it may be freed too early as well
    @Test
    void aDestinationThatIsClosedFailsItsWriteAlone() {
        Arena arena = Arena.ofShared();
        Region bad = b.regions.register("read", arena.allocate(1 << 20), null);
        Region good = b.regions.allocate("good", 8, null);
        close(arena);

        for (int i = 0; i < 3; i++) {
            assertThat(failure(channel.write(bad.remote(), 0, pattern(1 << 20, 1))))
                    .hasMessageContaining("has closed its arena while it is registered");
            await(channel.write(good.remote(), 0, bytes(1)));
        }
        assertThat(await(bad.close(Duration.ofSeconds(10)))).isEqualTo(new Region.End.Closed());
        assertThat(channel.isAlive()).isTrue();
    }

    // P-5: a handler runs on the event loop if the caller has no context of Vert.x
    @Test
    void aHandlerThatThrowsHarmsNoOtherWrite() {
        Region region = b.regions.allocate("slot", 8, null);
        List<Future<Void>> writes = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            Future<Void> write = channel.write(region.remote(), 0, bytes(1));
            write.onComplete(_ -> {
                throw new AssertionError("as told by the test");
            });
            writes.add(write);
        }
        writes.forEach(write -> await(write));
        assertThat(channel.isAlive()).isTrue();
    }

    /** Closing fails while a copy or a system call is inside the arena. */
    private static void close(Arena arena) {
        while (arena.scope().isAlive()) {
            try {
                arena.close();
            } catch (IllegalStateException _) {
                Thread.onSpinWait();
            }
        }
    }

    // T-1, T-5
    @Test
    void aFreedRegionIsUnknown() {
        Region region = b.regions.allocate("slot", 16, null);
        assertThat(await(region.close(Duration.ofSeconds(1)))).isEqualTo(new Region.End.Closed());

        assertThat(failure(channel.write(region.remote(), 0, bytes(1))))
                .isInstanceOfSatisfying(
                        WriteException.class,
                        refused -> assertThat(refused.reason()).isEqualTo(WriteException.Reason.UNKNOWN_REGION));
        assertThat(region.memory().scope().isAlive()).isFalse();
    }

    // T-5: the listener of another region holds the target's event loop while the write is under way
    @Test
    void closingWaitsForTheRunningWriteAndRefusesTheNext() throws InterruptedException {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        Region region = gate(b, inside, goOn);
        Future<Void> write = channel.write(region.remote(), 0, bytes(1, 2, 3));
        assertThat(inside.await(10, TimeUnit.SECONDS)).isTrue();

        Future<Region.End> end = region.close(Duration.ofSeconds(20));
        assertThat(end.isComplete()).isFalse();
        assertThat(region.memory().scope().isAlive()).isTrue();
        Future<Void> next = channel.write(region.remote(), 0, bytes(9));
        goOn.countDown();

        await(write);
        assertThat(await(end)).isEqualTo(new Region.End.Closed());
        assertThat(((WriteException) failure(next)).reason())
                .isIn(WriteException.Reason.CLOSING, WriteException.Reason.UNKNOWN_REGION);
    }

    // P-5
    @Test
    void aListenerThatThrowsFailsTheWriteOnly() {
        Region region = b.regions.allocate("slot", 8, (_, _, _) -> {
            throw new IllegalStateException("as told by the test");
        });
        assertThat(failure(channel.write(region.remote(), 0, bytes(1)))).hasMessageContaining("as told by the test");
        Region other = b.regions.allocate("other", 8, null);
        await(channel.write(other.remote(), 0, bytes(1)));
    }

    /** A region whose first write holds the target's bulk event loop until the latch opens. */
    private Region gate(TestProcess target, CountDownLatch inside, CountDownLatch goOn) {
        return target.regions.allocate("gate", 8, (_, _, _) -> {
            inside.countDown();
            try {
                goOn.await(20, TimeUnit.SECONDS);
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        });
    }

    // P-9: control messages and liveness are on another event loop
    @Test
    void controlMessagesPassWhileTheBulkEventLoopIsBlocked() throws InterruptedException {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        Future<Void> held = channel.write(gate(b, inside, goOn).remote(), 0, bytes(1));
        assertThat(inside.await(10, TimeUnit.SECONDS)).isTrue();

        channel.send(ControlKind.LINK, io.vertx.core.buffer.Buffer.buffer("through"));
        assertThat(next(b.received).text()).isEqualTo("through");
        assertThat(next(a.liveness)).contains(b.id.toString());
        assertThat(held.isComplete()).isFalse();
        goOn.countDown();
        await(held);
    }

    // P-9: as much as the sockets take, in both directions, for much longer than the limit
    @Test
    void fullSpeedBulkTrafficCausesNoFalseSilence() throws InterruptedException {
        TcpOptions quick = TcpTestOptions.liveness(100, 10);
        TestProcess one = TestProcess.start(vertx, quick);
        TestProcess two = TestProcess.start(other, quick);
        Channel there = one.connect(two);
        Channel back = next(two.opened);
        Region theirs = two.regions.allocate("there", 8L << 20, null);
        Region ours = one.regions.allocate("back", 8L << 20, null);
        long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(3);
        long writes = 0;
        while (System.nanoTime() < endNanos) {
            List<Future<Void>> under = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                under.add(there.write(theirs.remote(), 0, pattern(8L << 20, 1)));
                under.add(back.write(ours.remote(), 0, pattern(8L << 20, 2)));
            }
            under.forEach(write -> await(write));
            writes += under.size();
        }
        System.out.println("full speed: " + writes * 8 + " MiB in 3 s, liveness answers " + one.liveness.size()
                + " and " + two.liveness.size());
        assertThat(writes).isPositive();
        assertThat(one.liveness).isNotEmpty();
        assertThat(one.lost).isEmpty();
        assertThat(two.lost).isEmpty();
        one.close();
        two.close();
    }

    // P-5, P-6: a write that has arrived and is not acknowledged times out alone; a connection that no byte leaves any
    // more ends
    @Test
    void unansweredWritesTimeOutAndAStuckOneEndsTheChannel() throws InterruptedException {
        TestProcess hasty = TestProcess.start(vertx, TcpTestOptions.idle(600_000, 600));
        Channel own = hasty.connect(b);
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        Future<Void> small = own.write(gate(b, inside, goOn).remote(), 0, bytes(1));
        assertThat(inside.await(10, TimeUnit.SECONDS)).isTrue();

        assertThat(failure(small))
                .isInstanceOfSatisfying(
                        WriteException.class,
                        late -> assertThat(late.reason()).isEqualTo(WriteException.Reason.TIMEOUT))
                .hasMessageContaining("its bytes arrived, and were not applied within 600 ms");
        assertThat(own.isAlive()).isTrue();

        Region large = b.regions.allocate("large", 64L << 20, null);
        assertThat(((WriteException) failure(own.write(large.remote(), 0, pattern(64L << 20, 1)))).reason())
                .isEqualTo(WriteException.Reason.TIMEOUT);
        assertThat(next(hasty.lost).evidence().detail())
                .contains("bytes sent on its bulk connection have not arrived for", "control connection is alive");
        goOn.countDown();
        hasty.close();
        assertThat(await(large.close(Duration.ofSeconds(10)))).isEqualTo(new Region.End.Closed());
    }

    // T-5, P-5
    @Test
    void writesFailWhenTheChannelEnds() throws InterruptedException {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        Region gate = gate(b, inside, goOn);
        Region region = b.regions.allocate("large", 64L << 20, null);
        Future<Void> first = channel.write(gate.remote(), 0, bytes(1));
        assertThat(inside.await(10, TimeUnit.SECONDS)).isTrue();
        Future<Void> second = channel.write(region.remote(), 0, pattern(64L << 20, 1));

        channel.close(new LossEvidence(LossEvidence.Kind.CLOSED_HERE, "as told by the test"));

        assertThat(channel.write(region.remote(), 0, bytes(1)).failed())
                .as("a write after the end fails at once")
                .isTrue();
        assertThat(((WriteException) failure(first)).reason()).isEqualTo(WriteException.Reason.CHANNEL_LOST);
        assertThat(((WriteException) failure(second)).reason()).isEqualTo(WriteException.Reason.CHANNEL_LOST);
        assertThat(((WriteException) failure(channel.write(region.remote(), 0, bytes(1)))).reason())
                .isEqualTo(WriteException.Reason.CHANNEL_LOST);
        goOn.countDown();
        assertThat(next(a.lost).evidence().kind()).isEqualTo(LossEvidence.Kind.CLOSED_HERE);
        assertThat(next(b.lost).evidence().kind()).isEqualTo(LossEvidence.Kind.SOCKET_CLOSED);
        // a partial write holds no lease
        assertThat(await(region.close(Duration.ofSeconds(10)))).isEqualTo(new Region.End.Closed());
    }
}
