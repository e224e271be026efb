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
 * Measures the driver alone: a copy between two GPUs of this process, or within one, in plain {@code cuMemAlloc} memory
 * by {@code cuMemcpyPeerAsync} or {@code cuMemcpyDtoDAsync}, then {@code cuStreamSynchronize}. Transfers between
 * processes are compared with it. Blocks.
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

    /** Allocates this many bytes at each end. Fails with the driver's failure. */
    public static GpuBaseline open(Gpus gpus, int from, int to, long bytes) {
        Gpu near = ready(gpus, from);
        Gpu far = ready(gpus, to);
        if (from != to) { // otherwise the driver copies through the host
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
        Gpu gpu =
                gpus.gpu(device).orElseThrow(() -> new IllegalArgumentException("this process sees no GPU " + device));
        gpu.ready().join();
        return gpu;
    }

    /** Name of the driver call that is measured. */
    public String call() {
        return from == to ? "cuMemcpyDtoDAsync" : "cuMemcpyPeerAsync";
    }

    private GpuCopy copy(long bytes, boolean peer) {
        return !peer || from == to
                ? new GpuCopy.OnDevice(target, source, bytes)
                : new GpuCopy.Peer(target, to.context(), source, from.context(), bytes);
    }

    /**
     * The durations of single copies by {@code cuMemcpyPeerAsync}, sorted; within one GPU the same as
     * {@link #directNanos}. Each is measured from the start call to the return of {@code cuStreamSynchronize}.
     */
    public long[] copyNanos(long bytes, int before, int measured) {
        return nanos(copy(bytes, true), before, measured);
    }

    /** The durations of single copies by {@code cuMemcpyDtoDAsync}, sorted. */
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
     * The average duration of a copy when several are started before the first wait; one value per round, sorted. The
     * faster of both calls is returned.
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
