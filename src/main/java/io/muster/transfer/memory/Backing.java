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

/** Where the memory of a region is, and how it is given back. */
public sealed interface Backing {

    /** What the processor can touch: nothing, for memory of a GPU. */
    MemorySegment memory();

    long bytes();

    /**
     * Off the heap.
     *
     * @param owned closed with the region; null if it is the application's
     */
    record Host(MemorySegment memory, @Nullable Arena owned) implements Backing {
        @Override
        public long bytes() {
            return memory.byteSize();
        }
    }

    /** In the memory of a GPU of this process. */
    record OnGpu(Gpu gpu, GpuView view, List<GpuRecord> records, Release release) implements Backing {
        public OnGpu {
            records = List.copyOf(records);
        }

        /** Of no bytes: an address of a GPU is none for the processor. */
        @Override
        public MemorySegment memory() {
            return MemorySegment.NULL;
        }

        @Override
        public long bytes() {
            return view.bytes();
        }
    }

    /** Takes memory back from those who have mapped it, and frees it. */
    @FunctionalInterface
    interface Release {
        /** @param bound for those who have it mapped; fails if it passes, and then the memory has to stay */
        Future<Void> release(Region region, Duration bound);
    }
}
