// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

import java.util.UUID;

/** The calls of NVML that Muster makes; {@link #init()} must be the first, {@link #shutdown()} the last. They block. */
public interface Nvml {

    /** {@code nvmlInit_v2}. */
    void init() throws CudaCallException;

    /**
     * {@code nvmlDeviceGetHandleByUUID}: CUDA numbers only the devices that {@code CUDA_VISIBLE_DEVICES} makes visible,
     * in its own order, so NVML can't use CUDA's index.
     *
     * @param device CUDA's index, for the text of a failure
     */
    long deviceByUuid(int device, UUID uuid) throws CudaCallException;

    /**
     * {@code nvmlDeviceGetGpuFabricInfoV}, version 2; the older {@code nvmlDeviceGetGpuFabricInfo} if the library has
     * no newer one.
     */
    FabricInfo.Known fabricInfo(int device, long handle) throws CudaCallException;

    /** {@code nvmlShutdown}. */
    void shutdown() throws CudaCallException;
}
