// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.CudaFailure;
import io.muster.cuda.driver.CudaMemoryDriver;
import io.muster.cuda.driver.CudaPointerDriver;
import io.muster.cuda.driver.GpuDrivers;
import io.muster.cuda.driver.GpuExport;
import io.muster.cuda.driver.Opened;
import io.muster.cuda.driver.ShareKind;
import org.jspecify.annotations.Nullable;

/**
 * GPU memory at an address of this process: allocated here, registered by the application, or imported from another
 * process. Opened and closed on the worker of its GPU ({@link Gpu#call}). After the close its address must not be used.
 */
public final class GpuView {
    private final long address;
    private final long bytes;
    private final CudaPointerDriver.Range allocation;
    private final @Nullable GpuExport export;
    private final Opened opened;

    private GpuView(
            long address, long bytes, CudaPointerDriver.Range allocation, @Nullable GpuExport export, Opened opened) {
        this.address = address;
        this.bytes = bytes;
        this.allocation = allocation;
        this.export = export;
        this.opened = opened;
    }

    /**
     * Allocates memory, a multiple of the granularity, exports it and maps it for its own device. The content is
     * undefined.
     */
    static GpuView allocate(GpuDrivers drivers, int device, ShareKind kind, long bytes) throws CudaCallException {
        return Opened.all(opened -> {
            CudaMemoryDriver driver = drivers.memory();
            long granule = driver.granularity(device, kind);
            long rounded = Math.multiplyExact(Math.ceilDiv(bytes, granule), granule);
            long memory = driver.create(device, kind, rounded);
            opened.add(() -> driver.release(device, memory));
            GpuExport.Shared shared = driver.exportHandle(device, memory, kind);
            opened.add(() -> driver.close(device, shared));
            long address = map(driver, device, memory, rounded, opened);
            return new GpuView(address, bytes, new CudaPointerDriver.Range(address, rounded), shared, opened);
        });
    }

    /**
     * Exports memory that the application has allocated with {@code cuMemAlloc} or {@code cudaMalloc}; the application
     * still owns it.
     *
     * @throws CudaCallException also if the bytes leave the allocation: {@code CUDA_ERROR_INVALID_VALUE}
     */
    static GpuView ofPointer(GpuDrivers drivers, int device, long address, long bytes) throws CudaCallException {
        CudaPointerDriver.Range range = drivers.pointers().range(device, address);
        long offset = address - range.base();
        if (offset < 0 || bytes < 1 || bytes > range.bytes() - offset) {
            throw new CudaCallException(new CudaFailure(
                    "cuMemGetAddressRange_v2",
                    java.util.OptionalInt.of(device),
                    CudaFailure.INVALID_VALUE,
                    "CUDA_ERROR_INVALID_VALUE: " + bytes + " bytes at offset " + offset + " leave an allocation of "
                            + range.bytes()));
        }
        var export = new GpuExport.Ipc(drivers.pointers().ipcHandle(device, range.base()));
        return new GpuView(address, bytes, range, export, new Opened());
    }

    /**
     * Maps another process's memory for a device of this process.
     *
     * @param exported the descriptor of {@link GpuExport.Posix} is one of this process; it stays the caller's to close
     * @param allocationBytes size of the whole allocation, which the driver does not report
     */
    static GpuView imported(GpuDrivers drivers, int device, GpuExport exported, long allocationBytes)
            throws CudaCallException {
        return Opened.all(opened -> {
            long address = switch (exported) {
                case GpuExport.Shared shared -> {
                    CudaMemoryDriver driver = drivers.memory();
                    long memory = driver.importHandle(device, shared);
                    opened.add(() -> driver.release(device, memory));
                    yield map(driver, device, memory, allocationBytes, opened);
                }
                case GpuExport.Ipc ipc -> {
                    long base = drivers.pointers().ipcOpen(device, ipc.handle());
                    opened.add(() -> drivers.pointers().ipcClose(device, base));
                    yield base;
                }
            };
            return new GpuView(
                    address, allocationBytes, new CudaPointerDriver.Range(address, allocationBytes), null, opened);
        });
    }

    private static long map(CudaMemoryDriver driver, int device, long memory, long bytes, Opened opened)
            throws CudaCallException {
        long address = driver.reserve(device, bytes);
        opened.add(() -> driver.freeAddress(device, address, bytes));
        driver.map(device, address, bytes, memory);
        opened.add(() -> driver.unmap(device, address, bytes));
        driver.setAccess(device, address, bytes);
        return address;
    }

    public long address() {
        return address;
    }

    public long bytes() {
        return bytes;
    }

    /** Address of the allocation that this memory is a part of, in this process. */
    public long allocationBase() {
        return allocation.base();
    }

    public long allocationBytes() {
        return allocation.bytes();
    }

    /** Distance from the beginning of the allocation. */
    public long offset() {
        return address - allocation.base();
    }

    /** The export by which other processes import it; null for imported memory. */
    public @Nullable GpuExport export() {
        return export;
    }

    /** To be called once, on the worker. Memory of the application is not freed. */
    void close() throws CudaCallException {
        opened.close();
    }
}
