// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

/** Work that calls the driver, on a thread whose current context is the device's. */
@FunctionalInterface
public interface DriverCall<T> {
    T run() throws CudaCallException;
}
