// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.CudaFacts.Device;
import io.muster.cuda.copy.WaitRule;
import io.muster.cuda.driver.CudaFailure;
import io.muster.cuda.driver.ForeignLoading;
import io.muster.cuda.driver.GpuDrivers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The GPUs that this process uses, each opened at its first use. Until then nothing is loaded and no context is made.
 * All methods may be called from any thread; {@link #devices} blocks at the first call.
 */
public final class Gpus {
    private final Supplier<Found> find;
    /** Guarded by this object's monitor, since several worker threads call in; so are the fields below. */
    private @Nullable Found found;

    private final Map<Integer, Gpu> open = new HashMap<>();
    private Consumer<Gpu> onLost = _ -> {};
    private WaitRule rule = WaitRule.USUAL;

    /** The result of the search for GPUs. */
    private record Found(List<Device> devices, @Nullable GpuDrivers drivers, String whyNone) {
        static Found none(String why) {
            return new Found(List.of(), null, why);
        }
    }

    private Gpus(Supplier<Found> find) {
        this.find = find;
    }

    /** The GPUs of this host that are visible to this process. */
    public static Gpus ofThisHost() {
        return new Gpus(() -> found(CudaProbe.probe()));
    }

    /** No GPUs, for the given reason. */
    public static Gpus none(String why) {
        return new Gpus(() -> Found.none(why));
    }

    static Gpus of(List<Device> devices, GpuDrivers drivers) {
        return new Gpus(() -> new Found(devices, drivers, ""));
    }

    private static Found found(CudaFacts facts) {
        return switch (facts) {
            case CudaFacts.NoDriver(String reason) -> Found.none("no CUDA driver: " + reason);
            case CudaFacts.NoDevice(String reason) -> Found.none("no GPU: " + reason);
            case CudaFacts.Unusable(String reason, String whatToDo) ->
                Found.none("the CUDA driver can't be called: " + reason + "; " + whatToDo);
            case CudaFacts.Failed(CudaFailure failure) -> Found.none(failure.text());
            case CudaFacts.Devices(var _, List<Device> devices) ->
                switch (GpuDrivers.load()) {
                    case ForeignLoading.Absent<GpuDrivers>(String reason) -> Found.none(reason);
                    case ForeignLoading.Loaded<GpuDrivers>(GpuDrivers drivers) -> new Found(devices, drivers, "");
                };
        };
    }

    private synchronized Found found() {
        Found known = found;
        if (known == null) {
            known = find.get();
            found = known;
        }
        return known;
    }

    /** <b>Blocks</b> at the first call, for as long as the driver takes to start. */
    public List<Device> devices() {
        return found().devices();
    }

    /** Why there is no device; empty if there is one. */
    public String whyNone() {
        return found().whyNone();
    }

    /** The device of this UUID, if this process sees it. */
    public Optional<Device> withUuid(UUID uuid) {
        return devices().stream().filter(device -> device.uuid().equals(uuid)).findFirst();
    }

    /** Sets the listener for GPUs that are lost, called on the GPU's thread. To be set before the first is opened. */
    public synchronized void onLost(Consumer<Gpu> listener) {
        onLost = listener;
    }

    /**
     * Sets for how long a GPU's thread polls: copies that are expected to end within this time are polled for; zero
     * disables polling. To be set before the first GPU is opened; the default is 20 µs.
     */
    public synchronized void pollFor(Duration time) {
        rule = new WaitRule(time.toNanos());
    }

    /**
     * The device in use, opened if it is not yet. It can be used when {@link Gpu#ready} completes. A device that could
     * not be opened before is opened anew.
     *
     * @return empty if there is no such device
     */
    public synchronized Optional<Gpu> gpu(int device) {
        Found known = found();
        Device wanted = known.devices().stream()
                .filter(one -> one.index() == device)
                .findFirst()
                .orElse(null);
        if (wanted == null || known.drivers() == null) {
            return Optional.empty();
        }
        Gpu there = open.get(device);
        if (there == null || there.ready().isCompletedExceptionally()) {
            Gpu opened = Gpu.open(known.drivers(), device, wanted.uuid(), rule);
            opened.onLost(_ -> lost(opened));
            open.put(device, opened);
            there = opened;
        }
        return Optional.of(there);
    }

    private void lost(Gpu gpu) {
        Consumer<Gpu> listener;
        synchronized (this) {
            listener = onLost;
        }
        listener.accept(gpu);
    }

    /** The device if it is in use and ready, else null. Never blocks for long. */
    public synchronized @Nullable Gpu inUse(int device) {
        Gpu there = open.get(device);
        return there != null && there.isReady() ? there : null;
    }

    /** The same by UUID; device 0 if no device of this UUID is visible to this process. */
    public synchronized @Nullable Gpu inUse(UUID uuid) {
        for (Gpu one : open.values()) {
            if (one.uuid().equals(uuid)) {
                return one.isReady() ? one : null;
            }
        }
        Found known = found;
        boolean seen = known == null
                || known.devices().stream().anyMatch(device -> device.uuid().equals(uuid));
        return seen ? null : inUse(0);
    }

    /** Ends all workers and releases the contexts; the next use opens them anew. */
    public CompletableFuture<Void> close() {
        List<CompletableFuture<Void>> ends = new ArrayList<>();
        synchronized (this) {
            open.values().forEach(gpu -> ends.add(gpu.close()));
            open.clear();
        }
        return CompletableFuture.allOf(ends.toArray(CompletableFuture[]::new));
    }
}
