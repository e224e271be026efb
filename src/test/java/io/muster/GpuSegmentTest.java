// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.InMemoryCluster.Process;
import io.muster.cuda.HostGpus;
import io.muster.cuda.driver.CudaCallException;
import io.muster.group.GpuSlice;
import io.muster.group.MusterException;
import io.muster.group.WriteException;
import io.muster.ops.GpuPaths;
import io.muster.options.GroupOptions;
import io.muster.segment.GpuRecord;
import io.muster.transfer.gpu.GpuPath;
import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Segments in the memory of GPUs, in two processes with a GPU each, over real sockets and real descriptors; the GPUs
 * are played by memory of the host, so that whoever touches what was unmapped crashes this JVM.
 */
@Timeout(value = 90, unit = TimeUnit.SECONDS)
class GpuSegmentTest {
    private static final long BYTES = 10 << 20;
    private static final long PATIENCE_S = 20;

    private InMemoryCluster cluster = new InMemoryCluster();
    private final Arena arena = Arena.ofShared();
    private final HostGpus firstGpus = new HostGpus(1, 0);
    private final HostGpus secondGpus = new HostGpus(1, 1);
    private Process first;
    private Process second;
    private JoinedRank zero;
    private JoinedRank one;
    private JoinedRank two;

    @BeforeEach
    void connect() {
        start(new JsonObject());
    }

    private void start(JsonObject settings) {
        first = cluster.start(settings, firstGpus.gpus());
        second = cluster.start(settings, secondGpus.gpus());
        zero = first.join(GroupOptions.of("g", 0, 3));
        one = second.join(GroupOptions.of("g", 1, 3).segment("host", 1 << 20));
        two = second.join(GroupOptions.of("g", 2, 3));
        InMemoryCluster.await(zero, one, two);
    }

    @AfterEach
    void close() {
        cluster.close();
        arena.close();
        assertThat(firstGpus.open()).as("left open by the first process").isEmpty();
        assertThat(secondGpus.open()).as("left open by the second process").isEmpty();
        assertThat(firstGpus.wrongOrder()).isEmpty();
        assertThat(secondGpus.wrongOrder()).isEmpty();
    }

    /** What it comes to, within a time that a loaded machine needs. */
    private static <T> T ended(Future<T> future) {
        try {
            return future.await(PATIENCE_S, TimeUnit.SECONDS);
        } catch (TimeoutException late) {
            throw new AssertionError("has not ended after " + PATIENCE_S + " s", late);
        }
    }

    private MemorySegment bytes(int value, long count) {
        MemorySegment bytes = arena.allocate(count);
        bytes.fill((byte) value);
        return bytes;
    }

    /** Registered here, and seen there. */
    private GpuSlice gpuSegment(JoinedRank owner, JoinedRank seer, String name, long bytes) {
        GpuSlice slice = ended(owner.registerGpu(name, 0, bytes));
        seen(owner, seer, name);
        return slice;
    }

    private static void seen(JoinedRank owner, JoinedRank seer, String name) {
        Eventually.value(
                "segment '" + name + "' is seen by the other rank",
                () -> seer.segments(owner.member().rank()),
                segments -> segments.stream().anyMatch(info -> info.name().equals(name)));
    }

    // P-5
    @Test
    void bytesGoBothWaysBetweenHostsAndGpusOfTwoProcesses() {
        GpuSlice target = gpuSegment(zero, one, "kv", BYTES);
        GpuSlice mine = gpuSegment(one, zero, "mine", BYTES);
        assertThat(HostGpus.byteAt(target.address() + 5)).as("zeroed").isZero();

        ended(one.write(0, "kv", 3, bytes(7, 1000)));
        assertThat(HostGpus.byteAt(target.address() + 3)).isEqualTo((byte) 7);
        assertThat(HostGpus.byteAt(target.address() + 2)).isZero();
        assertThat(HostGpus.byteAt(target.address() + 1003)).isZero();

        MemorySegment back = arena.allocate(1000);
        ended(one.read(0, "kv", 3, back));
        assertThat(back.get(ValueLayout.JAVA_BYTE, 999)).isEqualTo((byte) 7);

        ended(one.read(0, "kv", 0, mine.slice(4096, 2000)));
        assertThat(HostGpus.byteAt(mine.address() + 4096 + 3)).isEqualTo((byte) 7);
        ended(one.write(0, "kv", BYTES - 2000, mine.slice(4096, 2000)));
        assertThat(HostGpus.byteAt(target.address() + BYTES - 2000 + 3)).isEqualTo((byte) 7);
        assertThat(second.muster().process().transfers().paths())
                .extracting(GpuPath::way)
                .containsOnly("posix over a unix socket");
    }

    @Test
    void theHandleSaysByTagHowTheMemoryIsShared() throws CudaCallException {
        GpuSlice made = gpuSegment(zero, one, "made", BYTES);
        long pointer = firstGpus.allocate(1 << 16);
        GpuSlice given = ended(zero.registerGpu("given", new GpuSlice(0, pointer + 256, 4096)));
        seen(zero, one, "given");
        var records =
                one.segmentInfos(0).stream().map(info -> info.gpu().getFirst()).toList();
        assertThat(records)
                .extracting(GpuRecord::kind)
                .containsExactly(GpuRecord.Kind.POSIX_FD, GpuRecord.Kind.CUDA_IPC);
        assertThat(records.get(0).device()).isEqualTo(HostGpus.uuid(0));
        assertThat(records.get(0).allocationBase()).isEqualTo(made.address());
        assertThat(records.get(1).offset()).isEqualTo(256);
        assertThat(records.get(1).allocationBytes()).isEqualTo(1 << 16);
        assertThat(zero.gpuSegment("given")).isEqualTo(given);

        ended(one.write(0, "given", 4000, bytes(9, 96)));
        assertThat(HostGpus.byteAt(pointer + 256 + 4095)).isEqualTo((byte) 9);
        assertThat(HostGpus.byteAt(pointer + 256 + 4096)).isZero();
        ended(zero.leave());
        firstGpus.free(pointer);
    }

    /** Whoever sees the rank sees them: no second handle is published. */
    @Test
    void gpuSegmentsRequestedBeforePublishingAreInTheFirstHandle() throws CudaCallException {
        long pointer = firstGpus.allocate(1 << 16);
        PreparedRank prepared = ended(first.muster()
                .prepare(GroupOptions.of("h", 0, 2)
                        .segment("host", 64)
                        .gpuSegment("made", 0, BYTES)
                        .gpuSegment("given", new GpuSlice(0, pointer + 256, 4096))));
        JoinedRank owner = ended(prepared.publish());
        JoinedRank writer = second.join("h", 1, 2);
        InMemoryCluster.await(owner, writer);
        assertThat(writer.segments(0)).extracting(PublishedSegment::name).containsExactly("host", "made", "given");
        assertThat(writer.segmentInfos(0))
                .extracting(info -> info.gpu().stream().map(GpuRecord::kind).toList())
                .containsExactly(List.of(), List.of(GpuRecord.Kind.POSIX_FD), List.of(GpuRecord.Kind.CUDA_IPC));
        ended(writer.write(0, "made", 3, bytes(7, 10)));
        ended(writer.write(0, "given", 3, bytes(8, 10)));
        assertThat(HostGpus.byteAt(owner.gpuSegment("made").address() + 3)).isEqualTo((byte) 7);
        assertThat(HostGpus.byteAt(pointer + 256 + 3)).isEqualTo((byte) 8);
        ended(owner.leave());
        firstGpus.free(pointer);
    }

    @Test
    void joiningFailsIfARequestedGpuIsMissingAndLeaksNothing() {
        assertThatThrownBy(() -> ended(first.muster()
                        .prepare(GroupOptions.of("h", 0, 2)
                                .gpuSegment("made", 0, BYTES)
                                .gpuSegment("x", 7, 1))))
                .isInstanceOfSatisfying(
                        MusterException.class, wrong -> assertThat(wrong.kind()).isEqualTo(MusterException.Kind.CONFIG))
                .hasMessageContaining("GPU 7 is not visible");
        assertThat(firstGpus.open()).noneMatch(object -> object.matches("(memory|descriptor|range|mapping) .*"));
    }

    @Test
    void theStatusShowsThePathOfEachPairAndWhyNotAnother() {
        secondGpus.failing("cuMemImportFromShareableHandle", 101);
        gpuSegment(zero, one, "kv", BYTES);
        ended(one.write(0, "kv", 0, bytes(8, 8)));
        String refused = GpuPaths.text(second.muster().diagnostics().gpuPaths().toJson());
        assertThat(refused)
                .contains(
                        "group=g rank 1 to rank 0 segment kv: not mapped, over the connection if gpu.fallback allows it: "
                                + "posix over a unix socket: PEER_ACCESS_DENIED");
        secondGpus.healed();
        gpuSegment(zero, one, "other", BYTES);
        ended(one.write(0, "other", 0, bytes(8, 8)));
        assertThat(GpuPaths.text(second.muster().diagnostics().gpuPaths().toJson()))
                .contains("group=g rank 1 to rank 0 segment other: posix over a unix socket, copied by GPU 0\n")
                .contains("segment kv: not mapped");
        assertThat(GpuPaths.text(first.muster().diagnostics().gpuPaths().toJson()))
                .as("nothing was reached for from there")
                .isEmpty();
    }

    // T-1
    @Test
    void writesOutsideTheSegmentOrWithAWrongKeyAreRefusedHere() {
        GpuSlice target = gpuSegment(zero, one, "kv", 5000);
        for (JoinedRank who : List.of(zero, one)) {
            refused(WriteException.Reason.OUT_OF_BOUNDS, who.write(0, "kv", 4996, bytes(1, 5)));
            refused(WriteException.Reason.OUT_OF_BOUNDS, who.write(0, "kv", -1, bytes(1, 5)));
            refused(WriteException.Reason.OUT_OF_BOUNDS, who.read(0, "kv", Long.MAX_VALUE, bytes(1, 5)));
            refused(
                    WriteException.Reason.EMPTY,
                    who.write(0, "kv", 0, bytes(1, 5).asSlice(0, 0)));
            ended(who.write(0, "kv", 4995, bytes(1, 5)));
        }
        assertThat(HostGpus.byteAt(target.address() + 4994)).isZero();
        assertThatThrownBy(() -> zero.segment("kv"))
                .isInstanceOf(MusterException.class)
                .hasMessageContaining("use gpuSegment");
        assertThatThrownBy(() -> ended(zero.registerGpu("kv", 0, 1))).hasMessageContaining("already");
        assertThatThrownBy(() -> ended(zero.registerGpu("x", 7, 1))).hasMessageContaining("GPU 7 is not visible");
    }

    private static void refused(WriteException.Reason reason, Future<Void> transfer) {
        assertThatThrownBy(() -> ended(transfer))
                .isInstanceOfSatisfying(
                        WriteException.class,
                        refused -> assertThat(refused.reason()).isEqualTo(reason));
    }

    /** W-5: the heap is out of reach, and so is what the driver does not share. */
    @Test
    void memoryThatCanNotBeSharedIsRefusedAtRegistration() {
        assertThatThrownBy(() -> ended(zero.registerGpu("nothing", new GpuSlice(0, 4096, 100))))
                .isInstanceOf(MusterException.class)
                .hasMessageContaining("allocate it with cuMemAlloc or cudaMalloc");
        gpuSegment(zero, one, "kv", 5000);
        refused(WriteException.Reason.UNUSABLE, one.write(0, "kv", 0, MemorySegment.ofArray(new byte[8])));
    }

    /** Rank 1 and rank 2 live in one process. */
    @Test
    void withinAProcessBytesGoToAndFromItsGpuWithoutAnImport() {
        GpuSlice target = ended(one.registerGpu("kv", 0, BYTES));
        seen(one, two, "kv");
        ended(two.write(1, "kv", 1, bytes(3, 10)));
        assertThat(HostGpus.byteAt(target.address() + 10)).isEqualTo((byte) 3);
        ended(two.write(1, "host", 0, target.slice(0, 100)));
        assertThat(one.segment("host").get(ValueLayout.JAVA_BYTE, 10)).isEqualTo((byte) 3);
        ended(two.read(1, "host", 0, target.slice(1000, 100)));
        assertThat(HostGpus.byteAt(target.address() + 1010)).isEqualTo((byte) 3);
        MemorySegment back = arena.allocate(10);
        ended(one.read(1, "kv", 1, back));
        assertThat(back.get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 3);
        assertThat(second.muster().process().transfers().mappings()).isZero();
    }

    /** Memory of the host at the other end: read by asking for it, and to and from a GPU by way of this host. */
    @Test
    void memoryOfTheHostIsReadAndWrittenFromGpusOverTheConnection() {
        GpuSlice mine = gpuSegment(zero, one, "mine", BYTES);
        ended(zero.write(1, "host", 0, bytes(5, 1 << 20)));
        MemorySegment back = arena.allocate(1 << 20);
        ended(zero.read(1, "host", 0, back));
        assertThat(back.get(ValueLayout.JAVA_BYTE, (1 << 20) - 1)).isEqualTo((byte) 5);
        ended(zero.read(1, "host", 100, mine.slice(0, 1000)));
        assertThat(HostGpus.byteAt(mine.address() + 999)).isEqualTo((byte) 5);
        ended(zero.write(0, "mine", 0, bytes(6, 50)));
        ended(zero.write(1, "host", 0, mine.slice(0, 1000)));
        assertThat(one.segment("host").get(ValueLayout.JAVA_BYTE, 49)).isEqualTo((byte) 6);
        assertThat(one.segment("host").get(ValueLayout.JAVA_BYTE, 50)).isEqualTo((byte) 5);
        refused(WriteException.Reason.OUT_OF_BOUNDS, zero.read(1, "host", 1 << 20, arena.allocate(1)));
    }

    // T-4
    @Test
    void aBatchWithAFailedWriteFailsAfterTheOtherWritesEnded() {
        GpuSlice target = gpuSegment(zero, one, "kv", BYTES);
        ended(one.transfer(List.of(
                        Transfer.write(0, "kv", 0, bytes(1, 10)),
                        Transfer.write(0, "kv", 10, bytes(2, 10)),
                        Transfer.write(2, "none", 0, bytes(3, 1))))
                .transform(done -> {
                    assertThat(done.failed()).isTrue();
                    assertThat(done.cause()).hasMessageContaining("no segment 'none'");
                    return Future.succeededFuture();
                }));
        assertThat(HostGpus.byteAt(target.address() + 19)).isEqualTo((byte) 2);
        ended(one.transfer(List.of()));
    }

    // T-4, P-5
    @Test
    void aBatchIsSubmittedTogetherAndRecordsOneEvent() {
        GpuSlice target = gpuSegment(zero, one, "kv", BYTES);
        GpuSlice mine = gpuSegment(one, zero, "mine", BYTES);
        ended(one.write(1, "mine", 0, bytes(7, 16 * 1000)));
        ended(one.write(0, "kv", 0, mine.slice(0, 8))); // mapped now
        int copies = secondGpus.calls("copy");
        int events = secondGpus.calls("cuEventRecord");
        secondGpus.hold();
        Future<Void> batch = one.transfer(IntStream.range(0, 16)
                .mapToObj(i -> Transfer.write(0, "kv", i * 1000L, mine.slice(i * 1000L, 1000)))
                .toList());
        Eventually.value("16 copies", () -> secondGpus.calls("copy") - copies, made -> made == 16);
        assertThat(batch.isComplete()).as("told before it is there").isFalse();
        secondGpus.letGo();
        ended(batch);
        assertThat(HostGpus.byteAt(target.address() + 15_999)).isEqualTo((byte) 7);
        assertThat(secondGpus.calls("copy") - copies).isEqualTo(16);
        assertThat(secondGpus.calls("cuEventRecord") - events)
                .as("events for 16 writes")
                .isEqualTo(1);
    }

    // T-1, T-5: revoke, acknowledge, free
    @Test
    void freeingWaitsForRunningCopiesAndForThePeerToUnmap() {
        gpuSegment(zero, one, "kv", BYTES);
        ended(one.write(0, "kv", 0, bytes(1, 8)));
        secondGpus.hold();
        Future<Void> underWay = one.write(0, "kv", 0, bytes(2, BYTES));
        Future<Void> leaving = zero.leave();
        // the owner has asked: nobody gets a lease any more
        Eventually.value(
                "no lease is given any more",
                () -> second.muster().process().transfers().mappings(),
                mappings -> mappings == 0);
        assertThat(leaving.isComplete()).isFalse();
        assertThat(firstGpus.open()).anyMatch(object -> object.startsWith("mapping"));
        secondGpus.letGo();
        ended(underWay);
        ended(leaving);
        assertThat(firstGpus.open()).noneMatch(object -> object.startsWith("mapping"));
    }

    // P-13
    @Test
    void memoryThatThePeerKeepsMappedIsLeakedInTimeAndReported() {
        cluster.close();
        cluster = new InMemoryCluster();
        start(new JsonObject().put("peer", new JsonObject().put("close", new JsonObject().put("timeoutMs", 300))));
        gpuSegment(zero, one, "kv", BYTES);
        ended(one.write(0, "kv", 0, bytes(1, 8)));
        secondGpus.hold();
        Future<Void> underWay = one.write(0, "kv", 0, bytes(2, BYTES));
        ended(zero.leave());
        assertThat(firstGpus.open())
                .as("kept, since a copy may still use it")
                .anyMatch(object -> object.startsWith("mapping"));
        secondGpus.letGo();
        ended(underWay);
        cluster.close();
        assertThat(secondGpus.open()).isEmpty();
        assertThat(firstGpus.open())
                .hasSize(4)
                .allMatch(object -> object.matches("(memory|descriptor|range|mapping) .*"));
        firstGpus.forget();
    }

    @Test
    void mappingsOfAKilledOwnerEndAndItReturnsWithOtherMemory() {
        gpuSegment(zero, one, "kv", BYTES);
        ended(one.write(0, "kv", 0, bytes(1, 8)));
        Future<JsonObject> degraded = second.degraded("g");
        cluster.crash(first);
        ended(degraded);
        assertThatThrownBy(() -> ended(one.write(0, "kv", 0, bytes(1, 8)))).hasMessageContaining("not connected");
        Eventually.value(
                "the mappings of the killed owner are closed",
                () -> secondGpus.open(),
                open -> open.stream().noneMatch(object -> object.startsWith("mapping")));
        firstGpus.forget();
        first = cluster.start(new JsonObject(), new HostGpus(1, 0).gpus());
        zero = first.join("g", 0, 3);
        InMemoryCluster.await(zero, one, two);
        // T-2
        GpuSlice again = gpuSegment(zero, one, "kv", BYTES);
        ended(one.write(0, "kv", 0, bytes(4, 8)));
        assertThat(HostGpus.byteAt(again.address())).isEqualTo((byte) 4);
    }

    // ---- the loss of a GPU

    @Test
    void unmappableMemoryIsReachedOverTheConnectionWithReasons() {
        secondGpus.failing("cuMemImportFromShareableHandle", 101);
        GpuSlice target = gpuSegment(zero, one, "kv", BYTES);
        ended(one.write(0, "kv", 1, bytes(8, 9 << 20)));
        assertThat(HostGpus.byteAt(target.address() + (9 << 20))).isEqualTo((byte) 8);
        MemorySegment back = arena.allocate(9 << 20);
        ended(one.read(0, "kv", 1, back));
        assertThat(back.get(ValueLayout.JAVA_BYTE, (9 << 20) - 1)).isEqualTo((byte) 8);
        assertThat(second.muster().process().transfers().paths())
                .flatExtracting(GpuPath::refused)
                .singleElement()
                .asString()
                .contains("posix over a unix socket: PEER_ACCESS_DENIED (cuMemImportFromShareableHandle device=0: 101");
    }

    @Test
    void aLostGpuIsNamedAndTransfersGoOnOverTheConnection() {
        GpuSlice target = gpuSegment(zero, one, "kv", BYTES);
        ended(one.write(0, "kv", 0, bytes(1, 8)));
        secondGpus.poison(719);
        ended(one.write(0, "kv", 0, bytes(2, 8)));
        assertThat(HostGpus.byteAt(target.address())).isEqualTo((byte) 2);
    }

    @Test
    void withoutAFallbackTheTransferFailsWithTheCause() {
        cluster.close();
        cluster = new InMemoryCluster();
        start(new JsonObject().put("gpu", new JsonObject().put("fallback", "none")));
        gpuSegment(zero, one, "kv", BYTES);
        ended(one.write(0, "kv", 0, bytes(1, 8)));
        secondGpus.poison(719);
        assertThatThrownBy(() -> ended(one.write(0, "kv", 0, bytes(2, 8))))
                .isInstanceOf(WriteException.class)
                .hasMessageContaining("CONTEXT_DEAD")
                .hasMessageContaining("transport=cuda");
    }

    @Test
    void theOwnersLostGpuFailsTheTransferByName() {
        gpuSegment(zero, one, "kv", BYTES);
        firstGpus.poison(719);
        assertThatThrownBy(() -> ended(zero.write(0, "kv", 0, bytes(2, 8)))).hasMessageContaining("CONTEXT_DEAD");
    }

    @Test
    void aProcessWithoutAGpuCanWriteToGpuMemory() {
        Process third = cluster.start();
        GpuSlice target = gpuSegment(zero, one, "kv", BYTES);
        JoinedRank alone = third.join("h", 0, 2);
        JoinedRank owner = first.join("h", 1, 2);
        InMemoryCluster.await(alone, owner);
        GpuSlice other = gpuSegment(owner, alone, "kv", 5 << 20);
        ended(alone.write(1, "kv", 0, bytes(3, 5 << 20)));
        assertThat(HostGpus.byteAt(other.address() + (5 << 20) - 1)).isEqualTo((byte) 3);
        assertThat(HostGpus.byteAt(target.address())).isZero();
        assertThatThrownBy(() -> ended(alone.registerGpu("kv", 0, 1))).hasMessageContaining("no GPU memory here: ");
    }

    // P-14
    @Test
    void repeatedOpeningAndClosingLeaksNothing() {
        for (int i = 0; i < 30; i++) {
            JoinedRank a = first.join("c", 0, 2);
            JoinedRank b = second.join("c", 1, 2);
            InMemoryCluster.await(a, b);
            gpuSegment(a, b, "kv", 8192);
            ended(b.write(0, "kv", 0, bytes(i, 16)));
            ended(Future.join(a.leave(), b.leave()));
            for (HostGpus gpus : List.of(firstGpus, secondGpus)) {
                assertThat(gpus.open())
                        .as("round %d", i)
                        .noneMatch(object -> object.matches("(memory|descriptor|range|mapping|ipc) .*"));
            }
        }
    }
}
