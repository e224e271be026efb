// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.CudaMemoryDriver;

/** Memory that is mapped into this process. */
final class Mapping implements AutoCloseable {
    private final CudaMemoryDriver driver;
    private final int device;
    private final long address;
    private final long bytes;

    Mapping(CudaMemoryDriver driver, int device, long address, long bytes) {
        this.driver = driver;
        this.device = device;
        this.address = address;
        this.bytes = bytes;
    }

    void allowAccess() throws CudaCallException {
        driver.setAccess(device, address, bytes);
    }

    long address() {
        return address;
    }

    @Override
    public void close() throws CudaCallException {
        driver.unmap(device, address, bytes);
    }
}
