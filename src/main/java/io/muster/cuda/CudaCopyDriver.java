// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.driver.CudaCallException;
import java.lang.foreign.Arena;

/**
 * The calls of the CUDA driver API with which copies run in a stream and tell that they are done, one method per call.
 * They are made on the thread whose current context is the device's. Starting a copy returns at once, but for host
 * memory that is not page-locked.
 */
public interface CudaCopyDriver {
    /** {@code cuMemcpy…Async_v2} or {@code cuMemsetD8Async}. */
    void start(int device, long stream, GpuCopy copy) throws CudaCallException;

    /** {@code cuEventCreate(CU_EVENT_DISABLE_TIMING)}. */
    long createEvent(int device) throws CudaCallException;

    /** {@code cuEventDestroy_v2}. */
    void destroyEvent(int device, long event) throws CudaCallException;

    /** {@code cuEventRecord}: the event is done when all that is in the stream by now is done. */
    void recordEvent(int device, long event, long stream) throws CudaCallException;

    /** {@code cuEventQuery}; {@code CUDA_ERROR_NOT_READY} is the answer no. */
    boolean isDone(int device, long event) throws CudaCallException;

    /**
     * Makes a C function for {@link #addCallback} that runs the action on a thread of the driver. The action must be
     * short, call nothing of CUDA, and throw nothing.
     */
    long wakeUp(Arena arena, Runnable action);

    /**
     * {@code cuStreamAddCallback}: the function is called when all that is in the stream by now is done, or has failed.
     */
    void addCallback(int device, long stream, long function) throws CudaCallException;

    /** {@code cuStreamSynchronize}. Blocks. */
    void synchronize(int device, long stream) throws CudaCallException;
}
