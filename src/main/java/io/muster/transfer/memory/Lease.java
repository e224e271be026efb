// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.memory;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The right to access a part of a region. The memory is not freed while a lease is held (T-5). Releasing it twice has
 * no effect. Thread-safe.
 */
public final class Lease implements LeaseOutcome {
    private final Region region;
    private final long offset;
    private final long length;
    private final AtomicBoolean released = new AtomicBoolean();

    Lease(Region region, long offset, long length) {
        this.region = region;
        this.offset = offset;
        this.length = length;
    }

    public Region region() {
        return region;
    }

    public long offset() {
        return offset;
    }

    public long length() {
        return length;
    }

    /** Copies from {@code source} to {@code position} within the leased part. */
    public void copyFrom(MemorySegment source, long sourceOffset, long position, long bytes) {
        if (position < 0 || bytes < 0 || position > length - bytes) {
            throw new IndexOutOfBoundsException(
                    bytes + " bytes at position " + position + " exceed a lease of " + length + " bytes");
        }
        MemorySegment.copy(source, sourceOffset, region.memory(), offset + position, bytes);
    }

    /** What a failed access to the leased part means. */
    public String text(Throwable failure) {
        return region.memory().scope().isAlive()
                ? failure.toString()
                : "the owner of " + region + " has closed its arena while it is registered";
    }

    /** Notifies the region's listener that the leased part was written. */
    public void announce() {
        region.announce(offset, length);
    }

    public void release() {
        if (released.compareAndSet(false, true)) {
            region.released();
        }
    }
}
