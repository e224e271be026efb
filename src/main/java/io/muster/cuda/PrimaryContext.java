// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.CudaMemoryDriver;

/** A device's primary context, the one that an application's CUDA libraries share: kept alive until this is closed. */
final class PrimaryContext implements AutoCloseable {
    private final CudaMemoryDriver driver;
    private final int device;
    private final long context;

    private PrimaryContext(CudaMemoryDriver driver, int device, long context) {
        this.driver = driver;
        this.device = device;
        this.context = context;
    }

    static PrimaryContext retain(CudaMemoryDriver driver, int device) throws CudaCallException {
        return new PrimaryContext(driver, device, driver.retainContext(device));
    }

    /**
     * Makes it the current one of this thread, until the result is closed on the same thread; then the one before is
     * current again.
     */
    Current push() throws CudaCallException {
        driver.pushContext(device, context);
        return () -> driver.popContext(device);
    }

    @Override
    public void close() throws CudaCallException {
        driver.releaseContext(device);
    }

    /** A context that is current. */
    @FunctionalInterface
    interface Current extends AutoCloseable {
        @Override
        void close() throws CudaCallException;
    }
}
