// SPDX-License-Identifier: Apache-2.0

package io.muster;

import io.muster.group.Direction;
import io.muster.group.GpuSlice;
import io.muster.group.Local;
import java.lang.foreign.MemorySegment;

/**
 * One one-sided transfer: what to move between this process and a segment of a rank.
 *
 * @param direction from here into the segment, or the other way
 * @param peer the rank whose segment it is
 * @param segment name under which that rank has registered it
 * @param offset first byte in the segment
 * @param local the source of a write, the destination of a read; valid, and a source unchanged, until the transfer has
 *     ended
 */
public record Transfer(Direction direction, int peer, String segment, long offset, Local local) {

    /** From memory of the host: off-heap, and accessible from every thread. */
    public static Transfer write(int peer, String segment, long offset, MemorySegment source) {
        return new Transfer(Direction.WRITE, peer, segment, offset, new Local.Host(source));
    }

    /** From memory of a GPU. */
    public static Transfer write(int peer, String segment, long offset, GpuSlice source) {
        return new Transfer(Direction.WRITE, peer, segment, offset, new Local.OnGpu(source));
    }

    /** Into memory of the host: off-heap, writable, and accessible from every thread. */
    public static Transfer read(int peer, String segment, long offset, MemorySegment destination) {
        return new Transfer(Direction.READ, peer, segment, offset, new Local.Host(destination));
    }

    /** Into memory of a GPU. */
    public static Transfer read(int peer, String segment, long offset, GpuSlice destination) {
        return new Transfer(Direction.READ, peer, segment, offset, new Local.OnGpu(destination));
    }
}
