// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.copy.CopyStarter;
import io.muster.cuda.copy.GpuWorker;
import io.muster.cuda.copy.WaitRule;
import io.muster.cuda.copy.WantedCopy;
import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.CudaFailure;
import io.muster.cuda.driver.DriverCall;
import io.muster.cuda.driver.GpuCopy;
import io.muster.cuda.driver.GpuDrivers;
import io.muster.cuda.driver.GpuExport;
import io.muster.cuda.driver.GpuTrouble;
import io.muster.cuda.driver.Opened;
import io.muster.cuda.driver.ShareKind;
import io.muster.group.GpuSlice;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One GPU in use: its primary context, some streams that do not wait for kernels, and one thread that makes every
 * driver call ({@link GpuWorker}). Copies are handed to the thread, and their ends are reported on it. All methods may
 * be called from any thread, and none blocks.
 *
 * <p>A failure after which no call can succeed ({@link GpuTrouble#isFatal}) is kept: it is reported once to the
 * listener of {@link #onLost}, and every later copy fails with it.
 */
public final class Gpu implements CopyStarter {
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
     * Starts the worker, which makes the context. That takes a tenth of a second or more, unless the application holds
     * the context already.
     */
    static Gpu open(GpuDrivers drivers, int device, UUID uuid, WaitRule rule) {
        var gpu = new Gpu(drivers, device, uuid, rule);
        gpu.worker.start();
        return gpu;
    }

    /** Completes when the context exists; fails with a {@link CudaCallException}. */
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

    /** The failure after which no call can succeed on this GPU; null if there was none. */
    public @Nullable CudaFailure lost() {
        return worker.lost();
    }

    /** Sets the listener for the loss of this GPU, called on the worker's thread; at once if it is lost already. */
    public void onLost(Consumer<CudaFailure> listener) {
        worker.onLost(listener);
    }

    public GpuDrivers drivers() {
        return drivers;
    }

    /** Handle of the device's primary context; 0 before {@link #ready}. */
    public long context() {
        return worker.context();
    }

    @Override
    public void copy(WantedCopy wanted) {
        worker.copy(wanted);
    }

    @Override
    public void copyTogether(List<WantedCopy> batch) {
        worker.copyTogether(batch);
    }

    @Override
    public void expect() {
        worker.expect();
    }

    /** Runs an action on the worker's thread, in the same order as {@link #call}. */
    public CompletableFuture<Void> run(GpuWorker.Action action) {
        return worker.run(action);
    }

    /** Runs a call that may block on the worker's thread. Fails with a {@link CudaCallException}. */
    public <T> CompletableFuture<T> call(DriverCall<T> call) {
        return worker.call(call);
    }

    /** Allocates memory that can be shared with other processes, and fills it with zeros. */
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

    /** Makes one copy in a stream of its own and waits for its end; only on the worker. */
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
     * Allocates with {@code cuMemAlloc}, as applications allocate memory that they register here. The caller frees it.
     */
    public CompletableFuture<GpuSlice> allocatePlain(long bytes) {
        return call(() -> new GpuSlice(device, drivers.pointers().allocate(device, bytes), bytes));
    }

    /** Exports memory that the application has allocated. */
    public CompletableFuture<GpuView> ofPointer(long address, long bytes) {
        return call(() -> GpuView.ofPointer(drivers, device, address, bytes));
    }

    /** Maps another process's memory for this GPU, and reads a byte of it to prove that the mapping works. */
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

    /** Closes memory after all tasks queued before; fails if a part of it could not be freed. */
    public CompletableFuture<Void> close(GpuView view) {
        return run(view::close);
    }

    /** Free bytes of the device, with the memory of all processes counted as used. */
    public CompletableFuture<Long> freeBytes() {
        return call(() -> drivers.memory().freeBytes(device));
    }

    /** Ends the worker after the tasks queued before; fails with the first failure to close. */
    public CompletableFuture<Void> close() {
        return worker.close();
    }
}
