// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.CudaFacts.Device;
import io.muster.cuda.CudaFacts.FabricAttribute;
import io.muster.cuda.SharingFacts.DeviceSharing;
import io.muster.cuda.TrialOutcome.Exported;
import io.muster.cuda.TrialOutcome.NotTried;
import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.CudaMemoryDriver;
import io.muster.cuda.driver.FabricInfo;
import io.muster.cuda.driver.FabricInfo.Unknown;
import io.muster.cuda.driver.ForeignLoading;
import io.muster.cuda.driver.ForeignMemoryDriver;
import io.muster.cuda.driver.ForeignNvml;
import io.muster.cuda.driver.Nvml;
import io.muster.cuda.driver.ShareKind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Tries which kinds of memory the devices can share, cheap steps first. Allocation and export need no context. NVML is
 * next. The touch needs a context on each device, so it comes last, and only if the earlier steps do not decide the
 * answer.
 */
public final class SharingProbe {
    private final Supplier<ForeignLoading<CudaMemoryDriver>> memory;
    private final Supplier<ForeignLoading<Nvml>> nvml;
    private final LongSupplier nanoTime;

    SharingProbe(
            Supplier<ForeignLoading<CudaMemoryDriver>> memory,
            Supplier<ForeignLoading<Nvml>> nvml,
            LongSupplier nanoTime) {
        this.memory = memory;
        this.nvml = nvml;
        this.nanoTime = nanoTime;
    }

    /** How much to try. */
    public enum Depth {
        /** The least that the verdict on the fabric needs; for a start of Muster, which waits for it. */
        VERDICT,
        /** All trials, also those that can't change the verdict; for people. */
        EVERYTHING
    }

    /**
     * Probes this host. <b>Blocks</b> for milliseconds if fabric memory is not permitted. If it is permitted, or for
     * {@link Depth#EVERYTHING}, it blocks for the time to make a context on each device. Returns at once without a GPU.
     * No context, memory or descriptor stays open. Throws nothing, and writes nothing to any stream or log.
     *
     * @param facts the result of {@link CudaProbe} in this process
     */
    public static SharingFacts probe(CudaFacts facts, Depth depth) {
        return new SharingProbe(ForeignMemoryDriver::load, ForeignNvml::load, System::nanoTime).ask(facts, depth);
    }

    SharingFacts ask(CudaFacts facts, Depth depth) {
        if (!(facts instanceof CudaFacts.Devices(var _, List<Device> devices))) {
            return new SharingFacts.NotAsked("there is no usable GPU");
        }
        long start = nanoTime.getAsLong();
        return switch (memory.get()) {
            case ForeignLoading.Absent<CudaMemoryDriver>(String reason) -> new SharingFacts.Unusable(reason);
            case ForeignLoading.Loaded<CudaMemoryDriver>(CudaMemoryDriver driver) -> {
                List<DeviceSharing> tried = tryAll(devices, depth, new SharingTrial(driver, nanoTime));
                yield new SharingFacts.Tried(tried, TimeUnit.NANOSECONDS.toMicros(nanoTime.getAsLong() - start));
            }
        };
    }

    private List<DeviceSharing> tryAll(List<Device> devices, Depth depth, SharingTrial trial) {
        List<TrialOutcome> fabric = exports(devices, depth, trial);
        boolean exported = fabric.stream().allMatch(Exported.class::isInstance);
        List<FabricInfo> infos = depth == Depth.EVERYTHING || exported
                ? infos(devices)
                : Collections.nCopies(
                        devices.size(), new Unknown("NVML is not called, since fabric memory can't be allocated"));
        boolean inFabric = infos.stream().allMatch(info -> info instanceof FabricInfo.Known known && known.inFabric());
        List<DeviceSharing> tried = new ArrayList<>();
        for (int i = 0; i < devices.size(); i++) {
            int device = devices.get(i).index();
            TrialOutcome touched = exported && inFabric ? trial.touch(device, ShareKind.FABRIC) : fabric.get(i);
            TrialOutcome posix =
                    depth == Depth.EVERYTHING ? trial.touch(device, ShareKind.POSIX) : new NotTried("not requested");
            tried.add(new DeviceSharing(device, touched, posix, infos.get(i)));
        }
        return tried;
    }

    /** For a verdict the trials end with the first device that fails, since one failure decides it. */
    private static List<TrialOutcome> exports(List<Device> devices, Depth depth, SharingTrial trial) {
        boolean lacking = devices.stream().anyMatch(device -> device.fabricAttribute() != FabricAttribute.SET);
        List<TrialOutcome> outcomes = new ArrayList<>();
        for (Device device : devices) {
            if (device.fabricAttribute() != FabricAttribute.SET) {
                outcomes.add(new NotTried("attribute 128 is not set"));
            } else if (depth == Depth.VERDICT
                    && (lacking || outcomes.stream().anyMatch(outcome -> !(outcome instanceof Exported)))) {
                outcomes.add(new NotTried("another device has failed"));
            } else {
                outcomes.add(trial.export(device.index(), ShareKind.FABRIC));
            }
        }
        return outcomes;
    }

    private List<FabricInfo> infos(List<Device> devices) {
        return switch (nvml.get()) {
            case ForeignLoading.Absent<Nvml>(String reason) -> Collections.nCopies(devices.size(), new Unknown(reason));
            case ForeignLoading.Loaded<Nvml>(Nvml library) -> infos(devices, library);
        };
    }

    private static List<FabricInfo> infos(List<Device> devices, Nvml library) {
        try {
            library.init();
        } catch (CudaCallException e) {
            return Collections.nCopies(devices.size(), new Unknown(e.failure().text()));
        }
        List<FabricInfo> infos = new ArrayList<>();
        for (Device device : devices) {
            infos.add(info(device, library));
        }
        try {
            library.shutdown();
        } catch (CudaCallException e) {
            return Collections.nCopies(devices.size(), new Unknown(e.failure().text()));
        }
        return infos;
    }

    private static FabricInfo info(Device device, Nvml library) {
        try {
            return library.fabricInfo(device.index(), library.deviceByUuid(device.index(), device.uuid()));
        } catch (CudaCallException e) {
            return new Unknown(e.failure().text());
        }
    }
}
