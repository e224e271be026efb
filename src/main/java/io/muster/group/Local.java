// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

import java.lang.foreign.MemorySegment;

/**
 * The memory of this process in a transfer: the source of a write, or the destination of a read. It must stay valid
 * until the transfer completes, and a source must stay unchanged.
 */
public sealed interface Local {

    long bytes();

    /** Off-heap memory that is accessible from every thread. */
    record Host(MemorySegment memory) implements Local {
        @Override
        public long bytes() {
            return memory.byteSize();
        }
    }

    /** Memory of a GPU that is visible to this process. */
    record OnGpu(GpuSlice slice) implements Local {
        @Override
        public long bytes() {
            return slice.bytes();
        }
    }

    /** A view of a part of this memory. */
    default Local part(long offset, long length) {
        return switch (this) {
            case Host(MemorySegment memory) -> new Host(memory.asSlice(offset, length));
            case OnGpu(GpuSlice slice) -> new OnGpu(slice.slice(offset, length));
        };
    }
}
