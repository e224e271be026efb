// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

/**
 * The calls of the CUDA driver API that allocate, share, map and touch memory, one method per call.
 * {@link CudaDriver#init()} must have been called. Each method checks the status of its call, and a failure names the
 * device. All of them block, so they must not be called on an event loop. {@link #pushContext} and {@link #popContext}
 * affect the calling thread only.
 */
public interface CudaMemoryDriver {

    /** {@code cuMemGetAllocationGranularity}, the minimum: sizes are multiples of it. */
    long granularity(int device, ShareKind kind) throws CudaCallException;

    /** {@code cuMemCreate}: pinned memory of the device, which can be exported as this kind. */
    long create(int device, ShareKind kind, long bytes) throws CudaCallException;

    /** {@code cuMemRelease}: releases one handle; the memory is freed with its last handle and mapping. */
    void release(int device, long handle) throws CudaCallException;

    /** {@code cuMemExportToShareableHandle}. */
    GpuExport.Shared exportHandle(int device, long handle, ShareKind kind) throws CudaCallException;

    /** {@code cuMemImportFromShareableHandle}. */
    long importHandle(int device, GpuExport.Shared exported) throws CudaCallException;

    /** {@code close(2)} of an exported descriptor. */
    void closeDescriptor(int device, int descriptor) throws CudaCallException;

    /** Closes the descriptor of an export, if it has one. */
    default void close(int device, GpuExport.Shared exported) throws CudaCallException {
        if (exported instanceof GpuExport.Posix(int descriptor)) {
            closeDescriptor(device, descriptor);
        }
    }

    /** {@code cuMemAddressReserve}: address space without memory. */
    long reserve(int device, long bytes) throws CudaCallException;

    /** {@code cuMemAddressFree}. */
    void freeAddress(int device, long address, long bytes) throws CudaCallException;

    /** {@code cuMemMap}, from the start of the memory. */
    void map(int device, long address, long bytes, long handle) throws CudaCallException;

    /** {@code cuMemUnmap}. */
    void unmap(int device, long address, long bytes) throws CudaCallException;

    /** {@code cuMemSetAccess}: the device may read and write there. */
    void setAccess(int device, long address, long bytes) throws CudaCallException;

    /** {@code cuDevicePrimaryCtxRetain}: makes the device's primary context, unless it exists in this process. */
    long retainContext(int device) throws CudaCallException;

    /** {@code cuDevicePrimaryCtxRelease_v2}: destroys it with its last user. */
    void releaseContext(int device) throws CudaCallException;

    /** {@code cuCtxPushCurrent_v2}. */
    void pushContext(int device, long context) throws CudaCallException;

    /** {@code cuCtxPopCurrent_v2}. */
    void popContext(int device) throws CudaCallException;

    /** {@code cuStreamCreate(CU_STREAM_NON_BLOCKING)}: its work does not wait for kernels in other streams. */
    long createStream(int device) throws CudaCallException;

    /** {@code cuStreamDestroy_v2}. */
    void destroyStream(int device, long stream) throws CudaCallException;

    /** {@code cuMemcpyHtoDAsync_v2}, then {@code cuStreamSynchronize}: returns when the bytes have been copied. */
    void write(CopyTarget target, byte[] bytes) throws CudaCallException;

    /** {@code cuMemcpyDtoHAsync_v2}, then {@code cuStreamSynchronize}. */
    byte[] read(CopyTarget target, int bytes) throws CudaCallException;

    /**
     * {@code cuMemGetInfo_v2} of the current context: free bytes of the device, with the memory of all processes
     * counted as used.
     */
    long freeBytes(int device) throws CudaCallException;

    /** An address of a device, and the stream for copies from and to it. */
    record CopyTarget(int device, long stream, long address) {}
}
