// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

import java.lang.foreign.MemorySegment;

/** One copy that a GPU makes. Device addresses are those of this process, whichever GPU the memory belongs to. */
public sealed interface GpuCopy {

    long bytes();

    /** {@code cuMemcpyHtoDAsync}: from memory of the host, which must stay unchanged until the copy ends. */
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

    /**
     * {@code cuMemcpyPeerAsync}: between two GPUs of this process, also if neither can access the other.
     *
     * @param toContext handle of the context that the destination belongs to
     * @param fromContext handle of the context that the source belongs to
     */
    record Peer(long to, long toContext, long from, long fromContext, long bytes) implements GpuCopy {}

    /** {@code cuMemsetD8Async} with zero. */
    record Zero(long to, long bytes) implements GpuCopy {}
}
