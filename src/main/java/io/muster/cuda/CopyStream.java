// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.CudaMemoryDriver;
import io.muster.cuda.driver.CudaMemoryDriver.CopyTarget;

/** A stream of its own for small copies, which waits for nobody's kernels. */
public final class CopyStream implements AutoCloseable {
    private final CudaMemoryDriver driver;
    private final int device;
    private final long stream;

    private CopyStream(CudaMemoryDriver driver, int device, long stream) {
        this.driver = driver;
        this.device = device;
        this.stream = stream;
    }

    static CopyStream open(CudaMemoryDriver driver, int device) throws CudaCallException {
        return new CopyStream(driver, device, driver.createStream(device));
    }

    void write(Mapping to, byte[] bytes) throws CudaCallException {
        driver.write(new CopyTarget(device, stream, to.address()), bytes);
    }

    byte[] read(Mapping from, int bytes) throws CudaCallException {
        return driver.read(new CopyTarget(device, stream, from.address()), bytes);
    }

    @Override
    public void close() throws CudaCallException {
        driver.destroyStream(device, stream);
    }
}
