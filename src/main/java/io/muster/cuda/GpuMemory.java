// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.CudaMemoryDriver;
import io.muster.cuda.driver.ShareKind;
import io.muster.cuda.driver.Shareable;

/** One handle on a piece of GPU memory: made here, or imported. Closing it leaves the mappings as they are. */
final class GpuMemory implements AutoCloseable {
    private final CudaMemoryDriver driver;
    private final int device;
    private final long bytes;
    private final long handle;

    private GpuMemory(CudaMemoryDriver driver, int device, long bytes, long handle) {
        this.driver = driver;
        this.device = device;
        this.bytes = bytes;
        this.handle = handle;
    }

    /** Makes the smallest piece that can be shared in this way: 2 MiB on the GPUs seen so far. */
    static GpuMemory smallest(CudaMemoryDriver driver, int device, ShareKind kind) throws CudaCallException {
        long bytes = driver.granularity(device, kind);
        return new GpuMemory(driver, device, bytes, driver.create(device, kind, bytes));
    }

    /** Makes a piece that can be shared in this way: so many bytes, rounded up to whole granules. */
    static GpuMemory allocate(CudaMemoryDriver driver, int device, ShareKind kind, long bytes)
            throws CudaCallException {
        long granule = driver.granularity(device, kind);
        long rounded = Math.multiplyExact(Math.ceilDiv(bytes, granule), granule);
        return new GpuMemory(driver, device, rounded, driver.create(device, kind, rounded));
    }

    /**
     * Imports what was exported.
     *
     * @param bytes its size, which the driver does not tell
     */
    static GpuMemory imported(CudaMemoryDriver driver, int device, Shareable exported, long bytes)
            throws CudaCallException {
        return new GpuMemory(driver, device, bytes, driver.importHandle(device, exported));
    }

    SharedHandle export(ShareKind kind) throws CudaCallException {
        return new SharedHandle(driver, device, driver.exportHandle(device, handle, kind));
    }

    int device() {
        return device;
    }

    long bytes() {
        return bytes;
    }

    long handle() {
        return handle;
    }

    @Override
    public void close() throws CudaCallException {
        driver.release(device, handle);
    }
}
