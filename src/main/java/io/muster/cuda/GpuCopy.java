// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import java.lang.foreign.MemorySegment;

/**
 * One copy that a GPU is asked for. Device addresses are those of the process that asks, whichever GPU the memory
 * belongs to.
 */
public sealed interface GpuCopy {

    long bytes();

    /** {@code cuMemcpyHtoDAsync}: from memory of the host, which must stay as it is until the copy is done. */
    record ToDevice(long to, MemorySegment from) implements GpuCopy {
        @Override
        public long bytes() {
            return from.byteSize();
        }
    }

    /** {@code cuMemcpyDtoHAsync}: into memory of the host. */
    record ToHost(MemorySegment to, long from) implements GpuCopy {
        @Override
        public long bytes() {
            return to.byteSize();
        }
    }

    /** {@code cuMemcpyDtoDAsync}: between two addresses of GPUs. */
    record OnDevice(long to, long from, long bytes) implements GpuCopy {}

    /** {@code cuMemcpyPeerAsync}: between two GPUs of this process, also where neither reaches the other. */
    record Peer(long to, Gpu toGpu, long from, Gpu fromGpu, long bytes) implements GpuCopy {}

    /** {@code cuMemsetD8Async} with zero. */
    record Zero(long to, long bytes) implements GpuCopy {}
}
