// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

import java.lang.foreign.MemorySegment;

/**
 * This end of a transfer: the source of a write, the destination of a read. It stays valid, and a source unchanged,
 * until the end.
 */
public sealed interface Local {

    long bytes();

    /** Off the heap, and accessible from every thread. */
    record Host(MemorySegment memory) implements Local {
        @Override
        public long bytes() {
            return memory.byteSize();
        }
    }

    /** In the memory of a GPU that this process sees. */
    record OnGpu(GpuSlice slice) implements Local {
        @Override
        public long bytes() {
            return slice.bytes();
        }
    }

    /** A part of it. */
    default Local part(long offset, long length) {
        return switch (this) {
            case Host(MemorySegment memory) -> new Host(memory.asSlice(offset, length));
            case OnGpu(GpuSlice slice) -> new OnGpu(slice.slice(offset, length));
        };
    }
}
