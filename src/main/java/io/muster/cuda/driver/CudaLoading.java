// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

/** The result of loading the driver: exactly one of these. */
public sealed interface CudaLoading {

    /** There is no driver. */
    record Absent(String reason) implements CudaLoading {}

    /** There is a driver, but it can't be called. */
    record Broken(String reason, String whatToDo) implements CudaLoading {}

    /** The driver can be called. */
    record Loaded(CudaDriver driver) implements CudaLoading {}
}
