// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

/** Whether the driver could be loaded: exactly one of these. */
public sealed interface CudaLoading {

    /** There is none. */
    record Absent(String reason) implements CudaLoading {}

    /** There is one, but it can't be called. */
    record Broken(String reason, String whatToDo) implements CudaLoading {}

    /** It can be called. */
    record Loaded(CudaDriver driver) implements CudaLoading {}
}
