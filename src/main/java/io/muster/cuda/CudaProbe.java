// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.CudaFacts.Device;
import io.muster.cuda.CudaFacts.FabricAttribute;
import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.CudaDriver;
import io.muster.cuda.driver.CudaFailure;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * Finds the GPUs of this host through the CUDA driver, with each GPU's attribute for fabric handles. It looks for
 * {@code libcuda.so.1} first and loads JCuda only if the library exists, since JCuda without the driver fails in its
 * class initialiser.
 */
public final class CudaProbe {
    private CudaProbe() {}

    /**
     * Probes this host. <b>Blocks</b>: some milliseconds of class loading without a driver, else until the driver has
     * started (hundreds of milliseconds, or seconds if GPUs sleep). Call it on a worker. It throws nothing, and writes
     * nothing to any stream or log.
     */
    public static CudaFacts probe() {
        return probe(JCudaLoader::load);
    }

    /** As {@link #probe()}, with any driver. After a failed call it makes no further call. */
    public static CudaFacts probe(Supplier<CudaDriver.Loading> loader) {
        return switch (loader.get()) {
            case CudaDriver.Loading.Absent(String reason) -> new CudaFacts.NoDriver(reason);
            case CudaDriver.Loading.Broken(String reason, String whatToDo) -> new CudaFacts.Unusable(reason, whatToDo);
            case CudaDriver.Loading.Loaded(CudaDriver driver) -> ask(driver);
        };
    }

    private static CudaFacts ask(CudaDriver driver) {
        try {
            driver.init();
            int version = driver.driverVersion();
            int count = driver.deviceCount();
            if (count == 0) {
                return new CudaFacts.NoDevice("cuDeviceGetCount: 0 devices (CUDA_VISIBLE_DEVICES may hide them)");
            }
            List<Device> devices = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                devices.add(new Device(i, driver.deviceName(i), driver.deviceUuid(i), fabricAttribute(driver, i)));
            }
            return new CudaFacts.Devices(version, devices);
        } catch (CudaCallException e) {
            CudaFailure failure = e.failure();
            return switch (failure.status()) {
                case CudaFailure.NO_DEVICE -> new CudaFacts.NoDevice(failure.text());
                case CudaFailure.STUB_LIBRARY ->
                    new CudaFacts.NoDriver(
                            "the libcuda.so.1 found is the stub for linking, not a driver (" + failure.text() + ")");
                default -> new CudaFacts.Failed(failure);
            };
        }
    }

    private static FabricAttribute fabricAttribute(CudaDriver driver, int device) throws CudaCallException {
        try {
            int value = driver.attribute(device, CudaDriver.HANDLE_TYPE_FABRIC_SUPPORTED);
            return value == 0 ? FabricAttribute.CLEAR : FabricAttribute.SET;
        } catch (CudaCallException e) {
            if (e.failure().status() == CudaFailure.INVALID_VALUE) {
                return FabricAttribute.UNKNOWN_TO_DRIVER;
            }
            throw e;
        }
    }
}
