// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.driver.CudaDriver;
import io.muster.cuda.driver.CudaLibrary;
import io.muster.cuda.driver.CudaMemoryDriver;
import io.muster.cuda.driver.CudaPointerDriver;
import io.muster.cuda.driver.ForeignLibrary;
import io.muster.cuda.driver.ForeignLoading;
import io.muster.cuda.driver.ForeignMemoryDriver;
import io.muster.cuda.driver.ForeignPointerDriver;

/** All that GPU memory is used through: the seam at which tests put a driver of their own. */
public record GpuDrivers(CudaMemoryDriver memory, CudaCopyDriver copies, CudaPointerDriver pointers) {

    /** Never throws. {@link CudaDriver#init()} comes first. */
    static ForeignLoading<GpuDrivers> load() {
        return switch (ForeignMemoryDriver.load()) {
            case ForeignLoading.Absent<CudaMemoryDriver>(String reason) -> new ForeignLoading.Absent<>(reason);
            case ForeignLoading.Loaded<CudaMemoryDriver>(CudaMemoryDriver memory) -> {
                ForeignLibrary cuda = ForeignLibrary.open(CudaLibrary.NAME).orElseThrow();
                var drivers = new GpuDrivers(memory, new ForeignCopyDriver(cuda), new ForeignPointerDriver(cuda));
                yield cuda.missing().isEmpty()
                        ? new ForeignLoading.Loaded<>(drivers)
                        : new ForeignLoading.Absent<>(
                                CudaLibrary.NAME + " is too old: it lacks " + String.join(", ", cuda.missing()));
            }
        };
    }
}
