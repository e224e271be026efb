// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

/** Calls of the driver that have no result; runs on the thread of the GPU, with its context current. */
@FunctionalInterface
public interface DriverAction {
    void run() throws CudaCallException;
}
