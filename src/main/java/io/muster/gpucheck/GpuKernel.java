// SPDX-License-Identifier: Apache-2.0

package io.muster.gpucheck;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.muster.cuda.Gpu;
import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.CudaFailure;
import io.muster.cuda.driver.CudaLibrary;
import io.muster.cuda.driver.ForeignLibrary;
import io.muster.cuda.driver.ForeignLibrary.Function;
import io.muster.cuda.driver.ForeignMemoryDriver;
import io.muster.cuda.driver.Opened;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;

/**
 * A kernel that copies four bytes, for two parts of {@code gpu-check}: whether a kernel of the owner reads the bytes
 * that another process wrote, and what a failed kernel does to a GPU.
 */
public final class GpuKernel {
    private static final String PTX = """
      .version 6.4
      .target sm_70
      .address_size 64
      .visible .entry copy4(.param .u64 to, .param .u64 from)
      {
        .reg .b64 %rd<3>;
        .reg .b32 %r<2>;
        ld.param.u64 %rd1, [to];
        ld.param.u64 %rd2, [from];
        ld.global.u32 %r1, [%rd2];
        st.global.u32 [%rd1], %r1;
        ret;
      }
      """;

    private final Function load;
    private final Function find;
    private final Function launch;
    private final Function unload;

    private GpuKernel(ForeignLibrary cuda) {
        load = cuda.function("cuModuleLoadData", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));
        find = cuda.function("cuModuleGetFunction", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, ADDRESS));
        launch = cuda.function(
                "cuLaunchKernel",
                FunctionDescriptor.of(
                        JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT,
                        JAVA_LONG, ADDRESS, ADDRESS));
        unload = cuda.function("cuModuleUnload", FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
    }

    /**
     * Launches the kernel on the GPU; completes when it has ended. Fails with the driver's failure, which is fatal for
     * the GPU if an address is not mapped.
     */
    public static CompletableFuture<Void> copyFourBytes(Gpu gpu, long to, long from) {
        return gpu.run(() -> {
            var kernel = new GpuKernel(ForeignLibrary.open(CudaLibrary.NAME)
                    .orElseThrow(() -> new CudaCallException(new CudaFailure(
                            "dlopen", OptionalInt.of(gpu.device()), 1, CudaLibrary.NAME + " is not there"))));
            kernel.run(gpu, to, from);
        });
    }

    private void run(Gpu gpu, long to, long from) throws CudaCallException {
        int device = gpu.device();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_LONG);
            MemorySegment image = arena.allocateFrom(PTX);
            ForeignMemoryDriver.check(load, device, () -> (int) load.handle().invokeExact(out, image));
            long module = out.get(JAVA_LONG, 0);
            var opened = new Opened();
            opened.add(() -> ForeignMemoryDriver.check(
                    unload, device, () -> (int) unload.handle().invokeExact(module)));
            opened.during(() -> {
                MemorySegment name = arena.allocateFrom("copy4");
                ForeignMemoryDriver.check(
                        find, device, () -> (int) find.handle().invokeExact(out, module, name));
                launch(gpu, arena, out.get(JAVA_LONG, 0), to, from);
                return module;
            });
        }
    }

    private void launch(Gpu gpu, Arena arena, long function, long to, long from) throws CudaCallException {
        int device = gpu.device();
        MemorySegment parameters = arena.allocate(2 * ADDRESS.byteSize(), 8);
        parameters.set(ADDRESS, 0, arena.allocateFrom(JAVA_LONG, to));
        parameters.set(ADDRESS, 8, arena.allocateFrom(JAVA_LONG, from));
        long stream = gpu.drivers().memory().createStream(device);
        var opened = new Opened();
        opened.add(() -> gpu.drivers().memory().destroyStream(device, stream));
        opened.during(() -> {
            ForeignMemoryDriver.check(launch, device, () -> (int)
                    launch.handle().invokeExact(function, 1, 1, 1, 1, 1, 1, 0, stream, parameters, MemorySegment.NULL));
            gpu.drivers().copies().synchronize(device, stream);
            return stream;
        });
    }
}
