// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

/**
 * The calls of the CUDA driver API about plain device pointers and sharing them with other processes of the host, one
 * method per call.
 */
public interface CudaPointerDriver {
    /** {@code CU_IPC_HANDLE_SIZE}. */
    int IPC_HANDLE_BYTES = 64;

    /** {@code cuMemAlloc_v2}. */
    long allocate(int device, long bytes) throws CudaCallException;

    /** {@code cuMemFree_v2}. */
    void free(int device, long address) throws CudaCallException;

    /** {@code cuMemGetAddressRange_v2}: the allocation that an address lies in. */
    Range range(int device, long address) throws CudaCallException;

    /** {@code cuIpcGetMemHandle}, of the whole allocation. */
    byte[] ipcHandle(int device, long address) throws CudaCallException;

    /** {@code cuIpcOpenMemHandle_v2} with lazy peer access: the base of the allocation, as this process sees it. */
    long ipcOpen(int device, byte[] handle) throws CudaCallException;

    /** {@code cuIpcCloseMemHandle}. */
    void ipcClose(int device, long address) throws CudaCallException;

    /** {@code cuCtxEnablePeerAccess} of the current context; succeeds also if it is enabled already. */
    void enablePeerAccess(int device, long otherContext) throws CudaCallException;

    /** An allocation. */
    record Range(long base, long bytes) {}
}
