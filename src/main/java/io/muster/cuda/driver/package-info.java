/**
 * The calls of the CUDA driver and of NVML, each with its status checked. Read {@link io.muster.cuda.driver.CudaDriver}
 * first, then {@link io.muster.cuda.driver.GpuDrivers}. Imports no other package of Muster; JCuda is used here only.
 * Invariant: the error of a failed call names its function and device.
 */
@NullMarked
package io.muster.cuda.driver;

import org.jspecify.annotations.NullMarked;
