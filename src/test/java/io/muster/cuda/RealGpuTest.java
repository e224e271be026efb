// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.cuda.driver.CudaFailure;
import io.muster.cuda.driver.GpuCopy;
import io.muster.cuda.driver.ShareKind;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** As {@link GpuTest}, with the real driver. {@code launcher/muster gpu-check} covers the cases of two processes. */
@Tag("gpu")
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class RealGpuTest {
    private static final long BYTES = 4 << 20;

    @Test
    void allocatesZeroesSharesMapsCopiesAndFreesMemory() {
        Gpus gpus = Gpus.ofThisHost();
        Gpu gpu = gpus.gpu(0).orElseThrow();
        gpu.ready().join();
        long free = gpu.freeBytes().join();
        GpuView own = gpu.allocate(ShareKind.POSIX, BYTES).join();
        GpuView imported = gpu.importing(own.export(), own.allocationBytes()).join();
        try (Arena arena = Arena.ofShared()) {
            MemorySegment bytes = arena.allocate(BYTES);
            copied(gpu, new GpuCopy.ToHost(bytes, imported.address()));
            assertThat(bytes.mismatch(arena.allocate(BYTES))).as("zeroed").isEqualTo(-1);
            bytes.fill((byte) 7);
            copied(gpu, new GpuCopy.ToDevice(imported.address(), bytes));
            MemorySegment back = arena.allocate(BYTES);
            copied(gpu, new GpuCopy.ToHost(back, own.address()));
            assertThat(back.mismatch(bytes)).isEqualTo(-1);
        }
        gpu.close(imported).join();
        gpu.close(own).join();
        assertThat(gpu.freeBytes().join()).isEqualTo(free);
        gpus.close().join();
    }

    private static void copied(Gpu gpu, GpuCopy copy) {
        var done = new CompletableFuture<CudaFailure>();
        gpu.copy(0, copy, done::complete);
        assertThat(done.join()).isNull();
    }
}
