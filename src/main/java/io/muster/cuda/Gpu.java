// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.CudaFailure;
import io.muster.cuda.driver.GpuExport;
import io.muster.cuda.driver.ShareKind;
import io.muster.group.GpuSlice;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One GPU in use: its primary context, some streams that wait for nobody's kernels, and one thread that makes every
 * call ({@link GpuWorker}). Copies are handed to the thread and told as done on it. All methods may be called from any
 * thread, and none blocks.
 *
 * <p>A failure after which nothing works any more ({@link GpuTrouble#isFatal}) is kept: it is told once to whoever
 * wants to know, and every later copy fails with it.
 */
public final class Gpu {
    /** Copies of different lanes do not wait for each other. */
    public static final int LANES = 4;

    /** Told on the worker's thread, once; must not block. */
    @FunctionalInterface
    public interface Done {
        /** @param failure null if the bytes are where they should be, visible to every later copy and kernel */
        void done(@Nullable CudaFailure failure);
    }

    /** What is done on the worker's thread, with the context current. */
    @FunctionalInterface
    public interface Act<T> {
        T run() throws CudaCallException;
    }

    private final GpuDrivers drivers;
    private final int device;
    private final UUID uuid;
    private final GpuWorker worker;

    private Gpu(GpuDrivers drivers, int device, UUID uuid, WaitRule rule) {
        this.drivers = drivers;
        this.device = device;
        this.uuid = uuid;
        this.worker = new GpuWorker(drivers, device, rule);
    }

    /**
     * Starts the worker, which makes the context: a tenth of a second or more, unless the application holds it already.
     */
    static Gpu open(GpuDrivers drivers, int device, UUID uuid, WaitRule rule) {
        var gpu = new Gpu(drivers, device, uuid, rule);
        gpu.worker.start();
        return gpu;
    }

    /** Completes when the context is there; fails with a {@link CudaCallException}. */
    public CompletableFuture<Void> ready() {
        return worker.ready().copy();
    }

    boolean isReady() {
        return worker.ready().isDone() && !worker.ready().isCompletedExceptionally();
    }

    public int device() {
        return device;
    }

    public UUID uuid() {
        return uuid;
    }

    /** The failure after which nothing works on this GPU any more. */
    public @Nullable CudaFailure lost() {
        return worker.lost();
    }

    /** Who is told, on the worker's thread, when this GPU is lost; at once if it is. */
    public void onLost(Consumer<CudaFailure> listener) {
        worker.onLost(listener);
    }

    public GpuDrivers drivers() {
        return drivers;
    }

    /** The device's primary context; meaningless before {@link #ready}. */
    public long context() {
        return worker.context();
    }

    /**
     * Starts one copy in a lane; copies of one lane are done in their order. Host memory must stay until it is told as
     * done.
     */
    public void copy(int lane, GpuCopy copy, Done done) {
        copy(lane, List.of(copy), done);
    }

    /** Starts copies that are done one after the other, and told as done together. */
    public void copy(int lane, List<GpuCopy> copies, Done done) {
        worker.copy(new WantedCopy(Math.floorMod(lane, LANES), copies, done));
    }

    /** Copies are about to be handed over: the thread that starts them wakes up meanwhile. */
    void expect() {
        worker.expect();
    }

    /**
     * Starts copies that are handed over together ({@link CopyBatch}), in one visit of the thread and with one event a
     * lane.
     */
    void copyTogether(List<WantedCopy> batch) {
        worker.copyTogether(batch);
    }

    /** Runs a call that may block on the worker's thread. Fails with a {@link CudaCallException}. */
    public <T> CompletableFuture<T> call(Act<T> act) {
        return worker.call(act);
    }

    /** Makes and zeroes memory that others can be given. */
    public CompletableFuture<GpuView> allocate(ShareKind kind, long bytes) {
        return call(() -> {
            GpuView view = GpuView.allocate(drivers, device, kind, bytes);
            try {
                atOnce(new GpuCopy.Zero(view.address(), bytes));
                return view;
            } catch (CudaCallException failure) {
                closeAfter(view, failure);
                throw failure;
            }
        });
    }

    /** On the worker: one copy in a stream of its own, waited for. */
    private void atOnce(GpuCopy copy) throws CudaCallException {
        long stream = drivers.memory().createStream(device);
        var opened = new Opened();
        opened.add(() -> drivers.memory().destroyStream(device, stream));
        opened.during(() -> {
            drivers.copies().start(device, stream, copy);
            drivers.copies().synchronize(device, stream);
            return stream;
        });
    }

    private static void closeAfter(GpuView view, CudaCallException failure) {
        try {
            view.close();
        } catch (CudaCallException also) {
            failure.addSuppressed(also);
        }
    }

    /**
     * Allocates with {@code cuMemAlloc}, as an application does that brings its own memory; nobody but the caller frees
     * it.
     */
    public CompletableFuture<GpuSlice> allocatePlain(long bytes) {
        return call(() -> new GpuSlice(device, drivers.pointers().allocate(device, bytes), bytes));
    }

    /** Exports memory that the application has allocated. */
    public CompletableFuture<GpuView> ofPointer(long address, long bytes) {
        return call(() -> GpuView.ofPointer(drivers, device, address, bytes));
    }

    /** Maps another process's memory for this GPU, and reads a byte of it: a mapping that can't be touched is none. */
    public CompletableFuture<GpuView> importing(GpuExport exported, long allocationBytes) {
        return call(() -> {
            GpuView view = GpuView.imported(drivers, device, exported, allocationBytes);
            try (Arena arena = Arena.ofConfined()) {
                atOnce(new GpuCopy.ToHost(arena.allocate(1), view.address()));
                return view;
            } catch (CudaCallException failure) {
                closeAfter(view, failure);
                throw failure;
            }
        });
    }

    /** Closes memory after all copies that were handed over before; fails if something could not be given back. */
    public CompletableFuture<Void> close(GpuView view) {
        return call(() -> {
            view.close();
            return null;
        });
    }

    /** Free bytes of the device, whoever uses the rest. */
    public CompletableFuture<Long> freeBytes() {
        return call(() -> drivers.memory().freeBytes(device));
    }

    /** Ends the worker after what it was handed; fails with the first thing that could not be closed. */
    public CompletableFuture<Void> close() {
        return worker.close();
    }
}
