// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

import java.util.UUID;

/**
 * The query calls of the CUDA driver API that Muster makes, one method per call. {@link #init()} must be the first.
 * Each method checks the status of its call. All of them block, some for seconds if a GPU sleeps or is broken, so they
 * must not be called on an event loop.
 */
public interface CudaDriver {
    /** {@code CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_FABRIC_SUPPORTED}: necessary for fabric memory, but not sufficient. */
    int HANDLE_TYPE_FABRIC_SUPPORTED = 128;

    /** The result of loading the driver: exactly one of these. */
    sealed interface Loading {

        /** There is no driver. */
        record Absent(String reason) implements Loading {}

        /** There is a driver, but it can't be called. */
        record Broken(String reason, String whatToDo) implements Loading {}

        /** The driver can be called. */
        record Loaded(CudaDriver driver) implements Loading {}
    }

    /** {@code cuInit(0)}. */
    void init() throws CudaCallException;

    /** {@code cuDriverGetVersion}: the newest CUDA version that the driver supports, as 1000 × major + 10 × minor. */
    int driverVersion() throws CudaCallException;

    /** {@code cuDeviceGetCount}. */
    int deviceCount() throws CudaCallException;

    /** {@code cuDeviceGetName}. */
    String deviceName(int device) throws CudaCallException;

    /** {@code cuDeviceGetUuid}. */
    UUID deviceUuid(int device) throws CudaCallException;

    /** {@code cuDeviceGetAttribute}; a status of 1 means that this driver does not know the attribute. */
    int attribute(int device, int attribute) throws CudaCallException;
}
