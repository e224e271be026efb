// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

/**
 * The calls of the CUDA driver API with which memory is made, shared, mapped and touched, one method per call, in the
 * driver's words; {@link CudaDriver#init()} has come before. Each method checks the status of its call, and names the
 * device that it is made for. All of them block: never on an event loop. {@link #pushContext} and {@link #popContext}
 * belong to the calling thread.
 */
public interface CudaMemoryDriver {

    /** {@code cuMemGetAllocationGranularity}, the minimum: sizes are multiples of it. */
    long granularity(int device, ShareKind kind) throws CudaCallException;

    /** {@code cuMemCreate}: pinned memory of the device, which can be exported as this kind. */
    long create(int device, ShareKind kind, long bytes) throws CudaCallException;

    /** {@code cuMemRelease}: gives one handle back; the memory goes with its last handle and mapping. */
    void release(int device, long handle) throws CudaCallException;

    /** {@code cuMemExportToShareableHandle}. */
    GpuExport.Shared exportHandle(int device, long handle, ShareKind kind) throws CudaCallException;

    /** {@code cuMemImportFromShareableHandle}. */
    long importHandle(int device, GpuExport.Shared exported) throws CudaCallException;

    /** {@code close(2)} of an exported descriptor. */
    void closeDescriptor(int device, int descriptor) throws CudaCallException;

    /** Closes what was exported, if there is something to close. */
    default void close(int device, GpuExport.Shared exported) throws CudaCallException {
        if (exported instanceof GpuExport.Posix(int descriptor)) {
            closeDescriptor(device, descriptor);
        }
    }

    /** {@code cuMemAddressReserve}: address space with nothing in it. */
    long reserve(int device, long bytes) throws CudaCallException;

    /** {@code cuMemAddressFree}. */
    void freeAddress(int device, long address, long bytes) throws CudaCallException;

    /** {@code cuMemMap}, from the start of the memory. */
    void map(int device, long address, long bytes, long handle) throws CudaCallException;

    /** {@code cuMemUnmap}. */
    void unmap(int device, long address, long bytes) throws CudaCallException;

    /** {@code cuMemSetAccess}: the device may read and write there. */
    void setAccess(int device, long address, long bytes) throws CudaCallException;

    /** {@code cuDevicePrimaryCtxRetain}: makes the device's primary context, unless this process has it already. */
    long retainContext(int device) throws CudaCallException;

    /** {@code cuDevicePrimaryCtxRelease_v2}: destroys it with its last user. */
    void releaseContext(int device) throws CudaCallException;

    /** {@code cuCtxPushCurrent_v2}. */
    void pushContext(int device, long context) throws CudaCallException;

    /** {@code cuCtxPopCurrent_v2}. */
    void popContext(int device) throws CudaCallException;

    /** {@code cuStreamCreate(CU_STREAM_NON_BLOCKING)}: what runs in it waits for nobody's kernels. */
    long createStream(int device) throws CudaCallException;

    /** {@code cuStreamDestroy_v2}. */
    void destroyStream(int device, long stream) throws CudaCallException;

    /** {@code cuMemcpyHtoDAsync_v2}, then {@code cuStreamSynchronize}: returns when the bytes are there. */
    void write(CopyTarget target, byte[] bytes) throws CudaCallException;

    /** {@code cuMemcpyDtoHAsync_v2}, then {@code cuStreamSynchronize}. */
    byte[] read(CopyTarget target, int bytes) throws CudaCallException;

    /** {@code cuMemGetInfo_v2} of the current context: free bytes of the device, whoever uses the rest. */
    long freeBytes(int device) throws CudaCallException;

    /** An address of a device, and the stream in which it is touched. */
    record CopyTarget(int device, long stream, long address) {}
}
