package io.muster.cli;

import io.muster.JoinedRank;
import io.muster.Transfer;
import io.muster.cuda.Gpu;
import io.muster.cuda.GpuBaseline;
import io.muster.cuda.GpuKernel;
import io.muster.cuda.GpuSlice;
import io.muster.cuda.Gpus;
import io.muster.cuda.ProcessUsage;
import io.vertx.core.Future;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What one process of {@code gpu-check} measures on its own GPU and against its peers'. */
final class GpuMeasure {
  static final String SEGMENT = "kv";
  /** Memory that the program has allocated by itself. */
  static final String GIVEN = "given";
  private static final long PATIENCE_S = 30;
  private static final long[] SIZES = {4, 4096, 1 << 20, 64 << 20, 1 << 30};

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
      case "measure" -> measure(command.getInteger("peer"), command.getInteger("peerDevice"), command.getLong("maxBytes"));
      case "waits" -> waits();
      case "visible" -> visible(command.getInteger("peer"));
      case "mark" -> mark(command.getInteger("peer"));
      case "cycles" -> cycles(command.getInteger("peer"), command.getInteger("cycles"));
      case "usage" -> usage();
      case "hammer" -> hammer(command.getInteger("peer"));
      case "out-of-memory" -> outOfMemory();
      case "poison" -> poison(command.getInteger("peer"));
      case "direct" -> direct(command.getInteger("peer"), command.getString("segment", SEGMENT));
      case "give" -> give();
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

  // ---- how fast

  /** Each size by the driver alone, then written and read by Muster, in this order and at once after each other, so that like is compared with like. */
  private JsonObject measure(int peer, int peerDevice, long maxBytes) {
    var rows = new JsonArray();
    GpuSlice mine = rank().gpuSegment(SEGMENT);
    Gpus gpus = Gpus.ofThisHost();
    String call;
    try (GpuBaseline plain = GpuBaseline.open(gpus, device, peerDevice, Math.min(maxBytes, SIZES[SIZES.length - 1]))) {
      call = plain.call();
      for (long bytes : SIZES) {
        if (bytes <= maxBytes) {
          rows.add(row(plain, peer, mine.slice(0, bytes)));
        }
      }
    }
    gpus.close().join();
    return new JsonObject().put("driverCall", call).put("sizes", rows);
  }

  private JsonObject row(GpuBaseline plain, int peer, GpuSlice slice) {
    long bytes = slice.bytes();
    int count = bytes <= 4096 ? 3000 : bytes <= 1 << 20 ? 1000 : bytes <= 64 << 20 ? 100 : 12;
    int before = bytes <= 4096 ? 3000 : Math.max(3, count / 10);
    long[] driver = plain.copyNanos(bytes, before, count);
    long[] write = chained(() -> rank().transfer(Transfer.write(peer, SEGMENT, 0, slice)), before, count);
    long[] read = chained(() -> rank().transfer(Transfer.read(peer, SEGMENT, 0, slice)), before, count);
    long[] again = plain.copyNanos(bytes, before, count);
    long[] direct = plain.directNanos(bytes, before, count);
    var row = new JsonObject().put("bytes", bytes).put("driverUs", micros(median(driver))).put("driverAgainUs", micros(median(again)))
        .put("driverDtoDUs", micros(median(direct)))
        .put("writeUs", micros(median(write))).put("writeP90Us", micros(write[(int) (count * 0.9)])).put("readUs", micros(median(read)));
    double best = Math.min(Math.min(median(driver), median(again)), median(direct));
    row.put("ownPartUs", micros(median(write) - best));
    if (bytes <= 4096) {
      row.put("writeAwaitedUs", micros(median(awaited(() -> rank().transfer(Transfer.write(peer, SEGMENT, 0, slice)), before, count))));
    } else {
      int together = bytes <= 64 << 20 ? 16 : 4;
      double driverTogether = median(plain.pipelinedNanos(bytes, together, 9));
      double writeTogether = median(together(peer, slice, together, 9));
      row.put("together", together).put("driverTogetherGBPerS", perSecond(bytes, driverTogether))
          .put("writeTogetherGBPerS", perSecond(bytes, writeTogether))
          .put("writeTogetherShare", Math.round(1000 * driverTogether / writeTogether) / 1000.0)
          .put("writeTwoTogetherGBPerS", perSecond(bytes, median(together(peer, slice, 2, 9))))
          .put("workerCpuShare", workerCpuShare(peer, slice, Math.max(3, count / 4)));
      row.put("driverGBPerS", perSecond(bytes, best)).put("writeGBPerS", perSecond(bytes, median(write)))
          .put("readGBPerS", perSecond(bytes, median(read))).put("writeShare", Math.round(1000 * best / median(write)) / 1000.0)
          .put("readShare", Math.round(1000 * best / median(read)) / 1000.0);
    }
    return row;
  }

  /** One transfer after the other, each started where the end of the one before is told: what a program without threads that wait pays. */
  private static long[] chained(Supplier<Future<Void>> transfer, int before, int measured) {
    long[] nanos = new long[measured];
    var latch = new CountDownLatch(1);
    var failed = new AtomicReference<@Nullable Throwable>();
    next(transfer, -before, nanos, latch, failed);
    try {
      if (!latch.await(2 * PATIENCE_S, TimeUnit.SECONDS)) {
        throw new IllegalStateException("transfers have not ended after " + 2 * PATIENCE_S + " s");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Throwable failure = failed.get();
    if (failure != null) {
      throw new IllegalStateException(failure.getMessage(), failure);
    }
    Arrays.sort(nanos);
    return nanos;
  }

  private static void next(Supplier<Future<Void>> transfer, int number, long[] nanos, CountDownLatch latch,
      AtomicReference<@Nullable Throwable> failed) {
    if (number == nanos.length) {
      latch.countDown();
      return;
    }
    long start = System.nanoTime();
    transfer.get().onComplete(done -> {
      if (done.failed()) {
        failed.set(done.cause());
        latch.countDown();
        return;
      }
      if (number >= 0) {
        nanos[number] = System.nanoTime() - start;
      }
      next(transfer, number + 1, nanos, latch, failed);
    });
  }

  /** What a thread pays that sleeps until the end is told. */
  private static long[] awaited(Supplier<Future<Void>> transfer, int before, int measured) {
    long[] nanos = new long[measured];
    for (int i = -before; i < measured; i++) {
      long start = System.nanoTime();
      transfer.get().await();
      if (i >= 0) {
        nanos[i] = System.nanoTime() - start;
      }
    }
    Arrays.sort(nanos);
    return nanos;
  }

  /** A batch of so many writes; of one of them, on average. */
  private long[] together(int peer, GpuSlice slice, int together, int rounds) {
    List<Transfer> batch = Collections.nCopies(together, Transfer.write(peer, SEGMENT, 0, slice));
    long[] nanos = awaited(() -> rank().transfer(batch), 1, rounds);
    return Arrays.stream(nanos).map(all -> all / together).toArray();
  }

  /** Of a core, by the threads of GPUs, while one write follows the other. */
  private double workerCpuShare(int peer, GpuSlice slice, int count) {
    long cpu = workerCpuNanos();
    long start = System.nanoTime();
    chained(() -> rank().transfer(Transfer.write(peer, SEGMENT, 0, slice)), 0, count);
    return Math.round(100.0 * (workerCpuNanos() - cpu) / (System.nanoTime() - start)) / 100.0;
  }

  private static long workerCpuNanos() {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    return Arrays.stream(threads.getThreadInfo(threads.getAllThreadIds())).filter(Objects::nonNull)
        .filter(thread -> thread.getThreadName().startsWith("muster-gpu-")).mapToLong(thread -> threads.getThreadCpuTime(thread.getThreadId()))
        .sum();
  }

  private static long median(long[] sorted) {
    return sorted[sorted.length / 2];
  }

  private static double micros(double nanos) {
    return Math.round(nanos / 100) / 10.0;
  }

  private static double perSecond(long bytes, double nanos) {
    return Math.round(bytes / nanos * 10) / 10.0;
  }

  private JsonObject waits() {
    Gpus gpus = Gpus.ofThisHost();
    var all = new JsonObject();
    try (GpuBaseline plain = GpuBaseline.open(gpus, device, device, 64 << 20)) {
      for (long bytes : new long[] {4, 64 << 20}) {
        var ways = new JsonObject();
        plain.waits(bytes, bytes == 4 ? 2000 : 100).forEach((way, wait) ->
            ways.put(way, new JsonObject().put("us", micros(wait.medianNanos())).put("threadCpuUs", micros(wait.cpuNanos()))));
        all.put(bytes + " bytes", ways);
      }
    }
    gpus.close().join();
    return all;
  }

  // ---- is it right

  /** Writes a word into the peer's segment; the peer's kernel is launched after it has been told. */
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

  /** What a kernel of this process sees of what the peer has written. */
  private JsonObject visible(int from) {
    Gpus gpus = Gpus.ofThisHost();
    Gpu gpu = gpus.gpu(device).orElseThrow();
    GpuSlice mine = rank().gpuSegment(SEGMENT);
    try (Arena arena = Arena.ofShared()) {
      gpu.ready().join();
      GpuKernel.copyFourBytes(gpu, mine.address() + 12_288, mine.address() + 8192).join();
      MemorySegment word = arena.allocate(4);
      ended(rank().read(rank().member().rank(), SEGMENT, 12_288, word));
      return new JsonObject().put("value", word.get(ValueLayout.JAVA_INT, 0)).put("from", from);
    } finally {
      gpus.close().join();
    }
  }

  /** Whether all bytes of a megabyte arrive, both ways, from the host too. */
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

  // ---- what is left behind

  /** The peer's segments come and go; each is written to once. Counted here, where they are mapped. */
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
      return new JsonObject().put("addressSpaceKiB", new JsonArray().add(before.addressSpaceKiB()).add(after.addressSpaceKiB()))
          .put("mappings", new JsonArray().add(before.mappings()).add(after.mappings()))
          .put("descriptors", new JsonArray().add(before.descriptors()).add(after.descriptors()));
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
      return new JsonObject().put("deviceFreeBytes", free).put("addressSpaceKiB", now.addressSpaceKiB()).put("mappings", now.mappings())
          .put("descriptors", now.descriptors());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Registers memory that this program has allocated by itself; it is freed with the process. */
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
        throw new IllegalStateException("segment " + name + " of rank " + peer + " is not seen");
      }
      LockSupport.parkNanos(100_000);
    }
  }

  // ---- what goes wrong

  /** Writes until it fails, which is what the death of the peer brings; then sees that this process's own GPU still works. */
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
      return new JsonObject().put("writes", written).put("lastWriteMs", GpuWorkerCommand.millis(failedNanos - begun)).put("failedNanos", failedNanos)
          .put("failure", failure).put("ownGpuWorksAfterwards", true);
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

  /** A kernel of this process touches an address of nobody: its GPU is lost to it. */
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
}
