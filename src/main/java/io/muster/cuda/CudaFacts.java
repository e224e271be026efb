// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.driver.CudaFailure;
import java.util.List;
import java.util.UUID;

/** The result of the probe: exactly one of these. */
public sealed interface CudaFacts {

    /** There is no CUDA driver on this host (or in this container). */
    record NoDriver(String reason) implements CudaFacts {}

    /** There is a driver, but this process can't call it. */
    record Unusable(String reason, String whatToDo) implements CudaFacts {}

    /** The driver works, but no GPU is visible. */
    record NoDevice(String reason) implements CudaFacts {}

    /** A call failed unexpectedly. */
    record Failed(CudaFailure failure) implements CudaFacts {}

    /**
     * @param driverVersion 1000 × major + 10 × minor
     * @param devices at least one, by index
     */
    record Devices(int driverVersion, List<Device> devices) implements CudaFacts {
        public Devices {
            devices = List.copyOf(devices);
            if (devices.isEmpty()) {
                throw new IllegalArgumentException("no devices: that is NoDevice");
            }
        }

        /** For example {@code 13.0}. */
        public String driverVersionText() {
            return driverVersion / 1000 + "." + driverVersion % 1000 / 10;
        }
    }

    /** One GPU. */
    record Device(int index, String name, UUID uuid, FabricAttribute fabricAttribute) {}

    /** A device's value of attribute 128, HANDLE_TYPE_FABRIC_SUPPORTED. */
    enum FabricAttribute {
        SET,
        CLEAR,
        /** The driver is older than the attribute. */
        UNKNOWN_TO_DRIVER
    }
}
