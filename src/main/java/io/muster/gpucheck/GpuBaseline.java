// SPDX-License-Identifier: Apache-2.0

package io.muster.gpucheck;

import io.muster.cuda.Gpu;
import io.muster.cuda.Gpus;
import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.CudaCopyDriver;
import io.muster.cuda.driver.GpuCopy;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;

/**
 * What the driver alone needs for a copy between two GPUs of this process (or within one): plain {@code cuMemAlloc}
 * memory, {@code cuMemcpyPeerAsync} or {@code cuMemcpyDtoDAsync}, {@code cuStreamSynchronize}. The measure for
 * transfers between processes. Blocks.
 */
public final class GpuBaseline implements AutoCloseable {
    private final Gpu from;
    private final Gpu to;
    private final long source;
    private final long target;

    private GpuBaseline(Gpu from, Gpu to, long source, long target) {
        this.from = from;
        this.to = to;
        this.source = source;
        this.target = target;
    }

    /** Allocates so many bytes at each end. Fails with what the driver said. */
    public static GpuBaseline open(Gpus gpus, int from, int to, long bytes) {
        Gpu near = ready(gpus, from);
        Gpu far = ready(gpus, to);
        if (from != to) { // without it the driver goes by way of the host
            near.call(() -> enable(near, far)).join();
            far.call(() -> enable(far, near)).join();
        }
        long source =
                near.call(() -> near.drivers().pointers().allocate(from, bytes)).join();
        long target =
                far.call(() -> far.drivers().pointers().allocate(to, bytes)).join();
        return new GpuBaseline(near, far, source, target);
    }

    private static long enable(Gpu self, Gpu other) throws CudaCallException {
        self.drivers().pointers().enablePeerAccess(self.device(), other.context());
        return other.context();
    }

    private static Gpu ready(Gpus gpus, int device) {
        Gpu gpu = gpus.gpu(device).orElseThrow(() -> new IllegalArgumentException("no GPU " + device));
        gpu.ready().join();
        return gpu;
    }

    /** The driver's call that is measured. */
    public String call() {
        return from == to ? "cuMemcpyDtoDAsync" : "cuMemcpyPeerAsync";
    }

    private GpuCopy copy(long bytes, boolean peer) {
        return !peer || from == to
                ? new GpuCopy.OnDevice(target, source, bytes)
                : new GpuCopy.Peer(target, to.context(), source, from.context(), bytes);
    }

    /**
     * Each by {@code cuMemcpyPeerAsync}, or within one GPU as {@link #directNanos}; from its start until it is known to
     * be done, sorted.
     */
    public long[] copyNanos(long bytes, int before, int measured) {
        return nanos(copy(bytes, true), before, measured);
    }

    /** The same by {@code cuMemcpyDtoDAsync}. */
    public long[] directNanos(long bytes, int before, int measured) {
        return nanos(copy(bytes, false), before, measured);
    }

    private long[] nanos(GpuCopy copy, int before, int measured) {
        return from.call(() -> withStream(stream -> {
                    CudaCopyDriver copies = from.drivers().copies();
                    long[] nanos = new long[measured];
                    for (int i = -before; i < measured; i++) {
                        long start = System.nanoTime();
                        copies.start(from.device(), stream, copy);
                        copies.synchronize(from.device(), stream);
                        if (i >= 0) {
                            nanos[i] = System.nanoTime() - start;
                        }
                    }
                    Arrays.sort(nanos);
                    return nanos;
                }))
                .join();
    }

    /**
     * So many copies started one after the other and waited for together; of one of them, on average, by rounds,
     * sorted. The better of both calls.
     */
    public long[] pipelinedNanos(long bytes, int together, int rounds) {
        long[] peer = pipelined(copy(bytes, true), together, rounds);
        long[] direct = pipelined(copy(bytes, false), together, rounds);
        return peer[rounds / 2] < direct[rounds / 2] ? peer : direct;
    }

    private long[] pipelined(GpuCopy copy, int together, int rounds) {
        return from.call(() -> withStream(stream -> {
                    CudaCopyDriver copies = from.drivers().copies();
                    long[] nanos = new long[rounds];
                    for (int i = -3; i < rounds; i++) {
                        long start = System.nanoTime();
                        for (int one = 0; one < together; one++) {
                            copies.start(from.device(), stream, copy);
                        }
                        copies.synchronize(from.device(), stream);
                        if (i >= 0) {
                            nanos[i] = (System.nanoTime() - start) / together;
                        }
                    }
                    Arrays.sort(nanos);
                    return nanos;
                }))
                .join();
    }

    private interface Streamed<T> {
        T run(long stream) throws CudaCallException;
    }

    private <T> T withStream(Streamed<T> act) throws CudaCallException {
        long stream = from.drivers().memory().createStream(from.device());
        try {
            return act.run(stream);
        } finally {
            from.drivers().memory().destroyStream(from.device(), stream);
        }
    }

    @Override
    public void close() {
        CompletableFuture.allOf(
                        from.run(() -> from.drivers().pointers().free(from.device(), source)),
                        to.run(() -> to.drivers().pointers().free(to.device(), target)))
                .join();
    }
}
