// SPDX-License-Identifier: Apache-2.0

package io.muster.gpucheck;

import static io.muster.gpucheck.GpuSpeed.PATIENCE_S;
import static io.muster.gpucheck.GpuSpeed.SEGMENT;

import io.muster.JoinedRank;
import io.muster.cuda.Gpu;
import io.muster.cuda.Gpus;
import io.muster.group.GpuSlice;
import io.muster.launch.EventWriter;
import io.vertx.core.Future;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The commands of one process of {@code gpu-check}, on its own GPU and with the memory of its peers. */
final class GpuMeasure {
    /** Segment in memory that was allocated without Muster. */
    static final String GIVEN = "given";
    /** Segment that is registered before the rank is published. */
    static final String EARLY = "early";

    static final long EARLY_BYTES = 4 << 20;

    private static final long HOST_BYTES = 64 << 20;
    private static final int HOST_COPIES = 15;

    private final @Nullable JoinedRank joined;
    private final int device;
    private final EventWriter out;

    GpuMeasure(@Nullable JoinedRank joined, int device, EventWriter out) {
        this.joined = joined;
        this.device = device;
        this.out = out;
    }

    private JoinedRank rank() {
        if (joined == null) {
            throw new IllegalStateException("not joined");
        }
        return joined;
    }

    JsonObject run(String what, JsonObject command) {
        return switch (what) {
            case "measure" ->
                new GpuSpeed(rank(), device)
                        .measure(
                                command.getInteger("peer"),
                                command.getInteger("peerDevice"),
                                command.getLong("maxBytes"));
            case "visible" -> visible(command.getInteger("peer"));
            case "mark" -> mark(command.getInteger("peer"));
            case "cycles" -> cycles(command.getInteger("peer"), command.getInteger("cycles"));
            case "usage" -> usage();
            case "hammer" -> hammer(command.getInteger("peer"));
            case "out-of-memory" -> outOfMemory();
            case "poison" -> poison(command.getInteger("peer"));
            case "direct" -> direct(command.getInteger("peer"), command.getString("segment", SEGMENT));
            case "give" -> give();
            case "from-host" -> fromHost(command.getInteger("peer"));
            default -> throw new IllegalArgumentException("no such command");
        };
    }

    private static <T> T ended(Future<T> future) {
        try {
            return future.await(PATIENCE_S, TimeUnit.SECONDS);
        } catch (TimeoutException late) {
            throw new IllegalStateException("not ended after " + PATIENCE_S + " s", late);
        }
    }

    // ---- correctness

    /** Writes a word into the peer's segment; the peer launches its kernel after this command has ended. */
    private JsonObject mark(int peer) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment word = arena.allocate(4);
            int value = (int) System.nanoTime() | 1;
            word.set(ValueLayout.JAVA_INT, 0, value);
            ended(rank().write(rank().member().rank(), SEGMENT, 4096, word));
            ended(rank().write(peer, SEGMENT, 8192, rank().gpuSegment(SEGMENT).slice(4096, 4)));
            return new JsonObject().put("value", value);
        }
    }

    /** The word that a kernel of this process reads from memory that the peer wrote. */
    private JsonObject visible(int from) {
        Gpus gpus = Gpus.ofThisHost();
        Gpu gpu = gpus.gpu(device).orElseThrow();
        GpuSlice mine = rank().gpuSegment(SEGMENT);
        try (Arena arena = Arena.ofShared()) {
            gpu.ready().join();
            GpuKernel.copyFourBytes(gpu, mine.address() + 12_288, mine.address() + 8192)
                    .join();
            MemorySegment word = arena.allocate(4);
            ended(rank().read(rank().member().rank(), SEGMENT, 12_288, word));
            return new JsonObject()
                    .put("value", word.get(ValueLayout.JAVA_INT, 0))
                    .put("from", from);
        } finally {
            gpus.close().join();
        }
    }

    /** Checks all bytes of a megabyte, written and read, also from host memory. */
    private JsonObject direct(int peer, String segment) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment sent = arena.allocate(1 << 20);
            for (long i = 0; i < sent.byteSize(); i += 8) {
                sent.set(ValueLayout.JAVA_LONG, i, i * 0x9E37_79B9_7F4A_7C15L + peer);
            }
            MemorySegment back = arena.allocate(1 << 20);
            awaitSegment(peer, segment);
            ended(rank().write(peer, segment, 1 << 20, sent));
            ended(rank().read(peer, segment, 1 << 20, back));
            return new JsonObject().put("equal", sent.mismatch(back) < 0);
        }
    }

    // ---- from and to the host

    /** Transfers from ordinary host memory to the peer's GPU and back, one after the other. */
    private JsonObject fromHost(int peer) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory = arena.allocate(HOST_BYTES, 4096);
            memory.fill((byte) 1);
            return new JsonObject()
                    .put("bytes", HOST_BYTES)
                    .put("writeGBPerS", gigabytesPerSecond(() -> rank().write(peer, SEGMENT, 0, memory)))
                    .put("readGBPerS", gigabytesPerSecond(() -> rank().read(peer, SEGMENT, 0, memory)));
        }
    }

    /** The median, without the first transfer. */
    private static double gigabytesPerSecond(Supplier<Future<Void>> copy) {
        long[] nanos = new long[HOST_COPIES];
        ended(copy.get());
        for (int i = 0; i < HOST_COPIES; i++) {
            long start = System.nanoTime();
            ended(copy.get());
            nanos[i] = System.nanoTime() - start;
        }
        Arrays.sort(nanos);
        return Math.round(10.0 * HOST_BYTES / nanos[HOST_COPIES / 2]) / 10.0;
    }

    // ---- leaks

    /**
     * Writes once to each of the peer's segments, which appear and disappear; counts the cycles here, where they are
     * mapped.
     */
    private JsonObject cycles(int peer, int cycles) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment word = arena.allocate(8);
            ProcessUsage before = ProcessUsage.now();
            for (int i = 0; i < cycles; i++) {
                String name = "cycle-" + i;
                out.event("want", new JsonObject().put("name", name));
                awaitSegment(peer, name);
                ended(rank().write(peer, name, 0, word));
            }
            ProcessUsage after = ProcessUsage.now();
            return new JsonObject()
                    .put(
                            "addressSpaceKiB",
                            new JsonArray().add(before.addressSpaceKiB()).add(after.addressSpaceKiB()))
                    .put("mappings", new JsonArray().add(before.mappings()).add(after.mappings()))
                    .put(
                            "descriptors",
                            new JsonArray().add(before.descriptors()).add(after.descriptors()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private JsonObject usage() {
        Gpus gpus = Gpus.ofThisHost();
        Gpu gpu = gpus.gpu(device).orElseThrow();
        gpu.ready().join();
        long free = gpu.freeBytes().join();
        gpus.close().join();
        try {
            ProcessUsage now = ProcessUsage.now();
            return new JsonObject()
                    .put("deviceFreeBytes", free)
                    .put("addressSpaceKiB", now.addressSpaceKiB())
                    .put("mappings", now.mappings())
                    .put("descriptors", now.descriptors());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Registers memory that was allocated without Muster; it is freed when the process ends. */
    private JsonObject give() {
        Gpu gpu = Gpus.ofThisHost().gpu(device).orElseThrow();
        gpu.ready().join();
        GpuSlice plain = gpu.allocatePlain(8 << 20).join();
        ended(rank().registerGpu(GIVEN, plain.slice(4096, 4 << 20)));
        return new JsonObject().put("bytes", 4 << 20).put("offsetInAllocation", 4096);
    }

    private void awaitSegment(int peer, String name) {
        long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_S);
        while (rank().segments(peer).stream().noneMatch(info -> info.name().equals(name))) {
            if (System.nanoTime() > endNanos) {
                throw new IllegalStateException("segment " + name + " of rank " + peer + " has not appeared");
            }
            LockSupport.parkNanos(100_000); // a pause of the measurement, not counted in any result
        }
    }

    // ---- failures

    /** Writes until a write fails because the peer has died; then checks that this process's own GPU still works. */
    private JsonObject hammer(int peer) {
        GpuSlice mine = rank().gpuSegment(SEGMENT);
        out.event("hammering", new JsonObject());
        long written = 0;
        String failure;
        long begun = 0;
        long failedNanos;
        while (true) {
            try {
                begun = System.nanoTime();
                rank().write(peer, SEGMENT, 0, mine.slice(0, 64 << 20)).await(PATIENCE_S, TimeUnit.SECONDS);
                written++;
            } catch (RuntimeException | TimeoutException e) {
                failedNanos = System.nanoTime();
                failure = String.valueOf(e.getMessage());
                break;
            }
        }
        try (Arena arena = Arena.ofShared()) {
            MemorySegment word = arena.allocate(8);
            ended(rank().write(rank().member().rank(), SEGMENT, 0, word));
            return new JsonObject()
                    .put("writes", written)
                    .put("lastWriteMs", millis(failedNanos - begun))
                    .put("failedNanos", failedNanos)
                    .put("failure", failure)
                    .put("ownGpuWorksAfterwards", true);
        }
    }

    private JsonObject outOfMemory() {
        try {
            ended(rank().registerGpu("too-much", device, 1L << 42));
            return new JsonObject().put("refused", "not at all");
        } catch (RuntimeException refused) {
            try (Arena arena = Arena.ofShared()) {
                ended(rank().write(rank().member().rank(), SEGMENT, 0, arena.allocate(8)));
            }
            return new JsonObject().put("refused", refused.getMessage()).put("gpuWorksAfterwards", true);
        }
    }

    /** Launches a kernel on an unmapped address, after which this process has lost its GPU. */
    private JsonObject poison(int peer) {
        Gpus gpus = Gpus.ofThisHost();
        Gpu gpu = gpus.gpu(device).orElseThrow();
        var result = new JsonObject();
        try {
            GpuKernel.copyFourBytes(gpu, 8, 16).join();
            result.put("kernel", "did not fail");
        } catch (RuntimeException expected) {
            result.put("kernel", expected.getMessage());
        }
        try (Arena arena = Arena.ofShared()) {
            MemorySegment word = arena.allocate(8);
            try {
                ended(rank().write(rank().member().rank(), SEGMENT, 0, word));
                result.put("ownSegment", "written");
            } catch (RuntimeException failure) {
                result.put("ownSegment", failure.getMessage());
            }
            try {
                ended(rank().write(peer, SEGMENT, 0, word));
                result.put("peerSegment", "written over the connection");
            } catch (RuntimeException failure) {
                result.put("peerSegment", failure.getMessage());
            }
        }
        return result;
    }

    static double millis(long nanos) {
        return Math.round(nanos / 1e4) / 100.0;
    }
}
