// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.CudaMemoryDriver;
import io.muster.cuda.driver.Shareable;

/** What was exported, with the descriptor closed in the end if it is one. */
final class SharedHandle implements AutoCloseable {
    private final CudaMemoryDriver driver;
    private final int device;
    private final Shareable shareable;

    SharedHandle(CudaMemoryDriver driver, int device, Shareable shareable) {
        this.driver = driver;
        this.device = device;
        this.shareable = shareable;
    }

    Shareable shareable() {
        return shareable;
    }

    @Override
    public void close() throws CudaCallException {
        if (shareable instanceof Shareable.Descriptor(int descriptor)) {
            driver.closeDescriptor(device, descriptor);
        }
    }
}
