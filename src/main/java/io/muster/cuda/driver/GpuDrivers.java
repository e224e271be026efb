// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

/** The drivers through which GPU memory is used. Tests supply a driver of their own here. */
public record GpuDrivers(CudaMemoryDriver memory, CudaCopyDriver copies, CudaPointerDriver pointers) {

    /** Never throws. {@link CudaDriver#init()} must have been called before. */
    public static ForeignLoading<GpuDrivers> load() {
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
