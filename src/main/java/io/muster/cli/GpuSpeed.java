package io.muster.cli;

import io.muster.JoinedRank;
import io.muster.Transfer;
import io.muster.cuda.GpuBaseline;
import io.muster.cuda.GpuSlice;
import io.muster.cuda.Gpus;
import io.vertx.core.Future;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** How fast one process of {@code gpu-check} writes and reads, beside what the driver alone takes on the same GPUs. */
final class GpuSpeed {
  private static final long[] SIZES = {4, 4096, 1 << 20, 64 << 20, 1 << 30};

  private final JoinedRank rank;
  private final int device;

  GpuSpeed(JoinedRank rank, int device) {
    this.rank = rank;
    this.device = device;
  }

  /** Each size by the driver alone, then written and read by Muster, in this order and at once after each other, so that like is compared with like. */
  JsonObject measure(int peer, int peerDevice, long maxBytes) {
    var rows = new JsonArray();
    GpuSlice mine = rank.gpuSegment(GpuMeasure.SEGMENT);
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
    long[] write = chained(() -> rank.transfer(Transfer.write(peer, GpuMeasure.SEGMENT, 0, slice)), before, count);
    long[] read = chained(() -> rank.transfer(Transfer.read(peer, GpuMeasure.SEGMENT, 0, slice)), before, count);
    long[] again = plain.copyNanos(bytes, before, count);
    long[] direct = plain.directNanos(bytes, before, count);
    var row = new JsonObject().put("bytes", bytes).put("driverUs", micros(median(driver))).put("driverAgainUs", micros(median(again)))
        .put("driverDtoDUs", micros(median(direct)))
        .put("writeUs", micros(median(write))).put("writeP90Us", micros(write[(int) (count * 0.9)])).put("readUs", micros(median(read)));
    double best = Math.min(Math.min(median(driver), median(again)), median(direct));
    row.put("ownPartUs", micros(median(write) - best));
    if (bytes <= 4096) {
      row.put("writeAwaitedUs", micros(median(awaited(() -> rank.transfer(Transfer.write(peer, GpuMeasure.SEGMENT, 0, slice)), before, count))));
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
      if (!latch.await(2 * GpuMeasure.PATIENCE_S, TimeUnit.SECONDS)) {
        throw new IllegalStateException("transfers have not ended after " + 2 * GpuMeasure.PATIENCE_S + " s");
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
    List<Transfer> batch = Collections.nCopies(together, Transfer.write(peer, GpuMeasure.SEGMENT, 0, slice));
    long[] nanos = awaited(() -> rank.transfer(batch), 1, rounds);
    return Arrays.stream(nanos).map(all -> all / together).toArray();
  }

  /** Of a core, by the threads of GPUs, while one write follows the other. */
  private double workerCpuShare(int peer, GpuSlice slice, int count) {
    long cpu = workerCpuNanos();
    long start = System.nanoTime();
    chained(() -> rank.transfer(Transfer.write(peer, GpuMeasure.SEGMENT, 0, slice)), 0, count);
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

  static JsonObject waits(int device) {
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
}
