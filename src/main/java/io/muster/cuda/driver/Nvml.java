// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

import java.util.UUID;

/** The calls of NVML that Muster makes; {@link #init()} comes first, {@link #shutdown()} last. They block. */
public interface Nvml {

    /** {@code nvmlInit_v2}. */
    void init() throws CudaCallException;

    /**
     * {@code nvmlDeviceGetHandleByUUID}: CUDA counts only the devices that {@code CUDA_VISIBLE_DEVICES} shows, in an
     * order of its own, so an index of CUDA's means nothing to NVML.
     *
     * @param device by CUDA's index, for the text of a failure
     */
    long deviceByUuid(int device, UUID uuid) throws CudaCallException;

    /**
     * {@code nvmlDeviceGetGpuFabricInfoV}, version 2; the older {@code nvmlDeviceGetGpuFabricInfo} where the library
     * knows no other.
     */
    FabricInfo.Known fabricInfo(int device, long handle) throws CudaCallException;

    /** {@code nvmlShutdown}. */
    void shutdown() throws CudaCallException;
}
