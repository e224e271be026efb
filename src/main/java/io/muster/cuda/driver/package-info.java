/**
 * The calls of the CUDA driver and of NVML, each with its status checked. Read {@link io.muster.cuda.driver.CudaDriver}
 * first. Imports group and the driver bindings. Invariant: a failed call is named with its function and device.
 */
@NullMarked
package io.muster.cuda.driver;

import org.jspecify.annotations.NullMarked;
