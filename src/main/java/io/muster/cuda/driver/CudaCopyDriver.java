// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

import java.lang.foreign.Arena;

/**
 * The calls of the CUDA driver API for copies in a stream and their events, one method per call. They are made on the
 * thread whose current context is the device's. Starting a copy returns at once, except with host memory that is not
 * page-locked.
 */
public interface CudaCopyDriver {
    /** {@code cuMemcpy…Async_v2} or {@code cuMemsetD8Async}. */
    void start(int device, long stream, GpuCopy copy) throws CudaCallException;

    /** {@code cuEventCreate(CU_EVENT_DISABLE_TIMING)}. */
    long createEvent(int device) throws CudaCallException;

    /** {@code cuEventDestroy_v2}. */
    void destroyEvent(int device, long event) throws CudaCallException;

    /** {@code cuEventRecord}: the event is done when all work in the stream at this time is done. */
    void recordEvent(int device, long event, long stream) throws CudaCallException;

    /** {@code cuEventQuery}; false for {@code CUDA_ERROR_NOT_READY}. */
    boolean isDone(int device, long event) throws CudaCallException;

    /**
     * Makes a C function for {@link #addCallback} that runs the action on a thread of the driver. The action must be
     * short, call nothing of CUDA, and throw nothing.
     */
    long wakeUp(Arena arena, Runnable action);

    /**
     * {@code cuStreamAddCallback}: the function is called when all work in the stream at this time has ended, also if
     * it failed.
     */
    void addCallback(int device, long stream, long function) throws CudaCallException;

    /** {@code cuStreamSynchronize}. Blocks. */
    void synchronize(int device, long stream) throws CudaCallException;
}
