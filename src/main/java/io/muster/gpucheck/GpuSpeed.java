// SPDX-License-Identifier: Apache-2.0

package io.muster.gpucheck;

import io.muster.JoinedRank;
import io.muster.Transfer;
import io.muster.cuda.Gpus;
import io.muster.group.GpuSlice;
import io.vertx.core.Future;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The speed of writes and reads of one process of {@code gpu-check}, with the driver alone on the same GPUs for
 * comparison.
 */
final class GpuSpeed {
    static final String SEGMENT = "kv";
    /** Ends a measurement that hangs. Each transfer takes milliseconds. */
    static final long PATIENCE_S = 30;

    private static final long[] SIZES = {4, 4096, 1 << 20, 64 << 20, 1 << 30};

    /** Duration of the measurement of processor time. */
    private static final long CPU_NANOS = 400_000_000;

    private final JoinedRank rank;
    private final int device;

    GpuSpeed(JoinedRank rank, int device) {
        this.rank = rank;
        this.device = device;
    }

    /**
     * Measures each size with the driver alone, then written and read by Muster, immediately one after the other, so
     * that both run under the same conditions.
     */
    JsonObject measure(int peer, int peerDevice, long maxBytes) {
        var rows = new JsonArray();
        GpuSlice mine = rank.gpuSegment(SEGMENT);
        Gpus gpus = Gpus.ofThisHost();
        String call;
        try (GpuBaseline plain =
                GpuBaseline.open(gpus, device, peerDevice, Math.min(maxBytes, SIZES[SIZES.length - 1]))) {
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
        long[] write = chained(() -> rank.transfer(Transfer.write(peer, SEGMENT, 0, slice)), before, count);
        long[] read = chained(() -> rank.transfer(Transfer.read(peer, SEGMENT, 0, slice)), before, count);
        long[] again = plain.copyNanos(bytes, before, count);
        long[] direct = plain.directNanos(bytes, before, count);
        var row = new JsonObject()
                .put("bytes", bytes)
                .put("driverUs", micros(median(driver)))
                .put("driverAgainUs", micros(median(again)))
                .put("driverDtoDUs", micros(median(direct)))
                .put("writeUs", micros(median(write)))
                .put("writeP90Us", micros((double) write[(int) (count * 0.9)]))
                .put("readUs", micros(median(read)));
        double best = Math.min(Math.min(median(driver), median(again)), median(direct));
        row.put("ownPartUs", micros(median(write) - best));
        if (bytes <= 4096) {
            row.put(
                    "writeAwaitedUs",
                    micros(median(
                            awaited(() -> rank.transfer(Transfer.write(peer, SEGMENT, 0, slice)), before, count))));
        } else {
            row.put("driverGBPerS", perSecond(bytes, best))
                    .put("writeGBPerS", perSecond(bytes, median(write)))
                    .put("readGBPerS", perSecond(bytes, median(read)))
                    .put("writeShare", share(best, median(write)))
                    .put("readShare", share(best, median(read)));
        }
        together(row, plain, peer, slice);
        return row.mergeIn(cpuShares(peer, slice, (long) median(write)));
    }

    /** Several transfers at once: as a batch, as independent writes, and with the driver alone. */
    private void together(JsonObject row, GpuBaseline plain, int peer, GpuSlice slice) {
        long bytes = slice.bytes();
        int together = bytes <= 4096 ? 64 : bytes <= 64 << 20 ? 16 : 4;
        int rounds = bytes <= 1 << 20 ? 300 : bytes <= 64 << 20 ? 30 : 5;
        Transfer one = Transfer.write(peer, SEGMENT, 0, slice);
        List<Transfer> batch = Collections.nCopies(together, one);
        Supplier<Future<Void>> apart =
                () -> Future.join(batch.stream().map(rank::transfer).toList()).mapEmpty();
        double driver = median(plain.pipelinedNanos(bytes, together, rounds));
        double written = median(chained(() -> rank.transfer(batch), rounds, rounds)) / together;
        double awaited = median(awaited(() -> rank.transfer(batch), 3, rounds)) / together;
        double single = median(chained(apart, rounds, rounds)) / together;
        driver = Math.min(driver, median(plain.pipelinedNanos(bytes, together, rounds)));
        row.put("together", together)
                .put("driverTogetherUs", micros(driver))
                .put("writeTogetherUs", micros(written))
                .put("writeTogetherAwaitedUs", micros(awaited))
                .put("writesAtOnceUs", micros(single));
        if (bytes > 4096) {
            row.put("driverTogetherGBPerS", perSecond(bytes, driver))
                    .put("writeTogetherGBPerS", perSecond(bytes, written))
                    .put("writeTogetherShare", share(driver, written))
                    .put("writeTogetherAwaitedShare", share(driver, awaited))
                    .put("writesAtOnceShare", share(driver, single));
        }
    }

    /**
     * One transfer after the other, each started by the callback of the one before. This is the cost for a program
     * whose threads do not wait.
     */
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

    private static void next(
            Supplier<Future<Void>> transfer,
            int number,
            long[] nanos,
            CountDownLatch latch,
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

    /** The cost for a thread that blocks until its transfer has ended. */
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

    /**
     * Processor time per second, while one write follows the other without a pause: of the GPUs' threads, and of the
     * whole process.
     */
    private JsonObject cpuShares(int peer, GpuSlice slice, long writeNanos) {
        int chain = (int) Math.max(3, CPU_NANOS / 8 / writeNanos);
        Supplier<Future<Void>> write = () -> rank.transfer(Transfer.write(peer, SEGMENT, 0, slice));
        long workers = workerCpuNanos();
        long process = processCpuNanos();
        long start = System.nanoTime();
        long written = 0;
        while (System.nanoTime() - start < CPU_NANOS) {
            chained(write, 0, chain);
            written += chain;
        }
        double wall = System.nanoTime() - start;
        return new JsonObject()
                .put("workerCpuSPerS", hundredths((workerCpuNanos() - workers) / wall))
                .put("processCpuSPerS", hundredths((processCpuNanos() - process) / wall))
                .put("cpuWrites", written);
    }

    private static long processCpuNanos() {
        return ProcessHandle.current()
                .info()
                .totalCpuDuration()
                .map(Duration::toNanos)
                .orElse(0L);
    }

    private static long workerCpuNanos() {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        return Arrays.stream(threads.getThreadInfo(threads.getAllThreadIds()))
                .filter(Objects::nonNull)
                .filter(thread -> thread.getThreadName().startsWith("muster-gpu-"))
                .mapToLong(thread -> threads.getThreadCpuTime(thread.getThreadId()))
                .sum();
    }

    private static double share(double best, double ours) {
        return Math.round(1000 * best / ours) / 1000.0;
    }

    private static double hundredths(double value) {
        return Math.round(100 * value) / 100.0;
    }

    private static double median(long[] sorted) {
        return sorted[sorted.length / 2];
    }

    private static double micros(double nanos) {
        return Math.round(nanos / 100) / 10.0;
    }

    /** In GB/s. */
    private static double perSecond(long bytes, double nanos) {
        return Math.round(bytes / nanos * 10) / 10.0;
    }
}
