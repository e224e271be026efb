// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

import java.util.OptionalInt;

/**
 * A call of the CUDA driver, or of NVML, that did not return success.
 *
 * @param call the call with the arguments that matter, such as {@code cuDeviceGetAttribute(128)}
 * @param device the device of the call, if it has one
 * @param status the status that the call returned
 * @param meaning the driver's name for that status, such as {@code CUDA_ERROR_UNKNOWN}
 */
public record CudaFailure(String call, OptionalInt device, int status, String meaning) {
    /** {@code CUDA_ERROR_INVALID_VALUE}: a driver also returns it for an attribute that it does not know. */
    public static final int INVALID_VALUE = 1;
    /** {@code CUDA_ERROR_STUB_LIBRARY}: the library found is the stub for linking, not the driver. */
    public static final int STUB_LIBRARY = 34;
    /** {@code CUDA_ERROR_NOT_PERMITTED}: for fabric memory it means that this process has no IMEX channel. */
    public static final int NOT_PERMITTED = 800;
    /** {@code CUDA_ERROR_NO_DEVICE}. */
    public static final int NO_DEVICE = 100;

    /** For example {@code cuDeviceGetAttribute(128) device=2: 999 CUDA_ERROR_UNKNOWN}. */
    public String text() {
        String where = device.isPresent() ? " device=" + device.getAsInt() : "";
        return call + where + ": " + status + " " + meaning;
    }

    @Override
    public String toString() {
        return text();
    }
}
