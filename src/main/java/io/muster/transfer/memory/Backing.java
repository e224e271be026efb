// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.memory;

import io.muster.cuda.Gpu;
import io.muster.cuda.GpuView;
import io.muster.segment.GpuRecord;
import io.vertx.core.Future;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The memory of a region: where it is, and how it is freed. */
public sealed interface Backing {

    /** The memory as the CPU can access it: empty if it is memory of a GPU. */
    MemorySegment memory();

    long bytes();

    /**
     * Off-heap memory of the host.
     *
     * @param owned closed with the region; null if the application owns the memory
     */
    record Host(MemorySegment memory, @Nullable Arena owned) implements Backing {
        @Override
        public long bytes() {
            return memory.byteSize();
        }
    }

    /** Memory of a GPU of this process. */
    record OnGpu(Gpu gpu, GpuView view, List<GpuRecord> records, Release release) implements Backing {
        public OnGpu {
            records = List.copyOf(records);
        }

        /** Empty: the CPU can't access an address of a GPU. */
        @Override
        public MemorySegment memory() {
            return MemorySegment.NULL;
        }

        @Override
        public long bytes() {
            return view.bytes();
        }
    }

    /** Asks other processes to unmap the memory, and then frees it. */
    @FunctionalInterface
    interface Release {
        /**
         * @param region id of the region
         * @param bound how long to wait for other processes to unmap the memory
         * @return fails if they have not; the memory then must not be freed
         */
        Future<Void> release(int region, Duration bound);
    }
}
