// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.CudaMemoryDriver;

/** Address space of this process, with nothing in it until something is mapped there. */
final class ReservedRange implements AutoCloseable {
    private final CudaMemoryDriver driver;
    private final int device;
    private final long address;
    private final long bytes;

    private ReservedRange(CudaMemoryDriver driver, int device, long address, long bytes) {
        this.driver = driver;
        this.device = device;
        this.address = address;
        this.bytes = bytes;
    }

    /** As much as the memory needs. */
    static ReservedRange of(CudaMemoryDriver driver, GpuMemory memory) throws CudaCallException {
        return new ReservedRange(
                driver, memory.device(), driver.reserve(memory.device(), memory.bytes()), memory.bytes());
    }

    /** Maps the memory into this range; nobody may touch it before {@link Mapping#allowAccess}. */
    Mapping map(GpuMemory memory) throws CudaCallException {
        driver.map(device, address, bytes, memory.handle());
        return new Mapping(driver, device, address, bytes);
    }

    @Override
    public void close() throws CudaCallException {
        driver.freeAddress(device, address, bytes);
    }
}
