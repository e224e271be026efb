// SPDX-License-Identifier: Apache-2.0

package io.muster.segment;

import java.util.Arrays;
import java.util.Objects;
import java.util.UUID;

/**
 * One way to reach a segment that lies in the memory of a GPU. What the handle means is told by the kind, never by its
 * length.
 *
 * @param kind how it is shared
 * @param handle what this kind needs, opaque here
 * @param allocationBase where the allocation begins at its owner: tells allocations apart, and is an address nowhere
 *     else
 * @param allocationBytes size of the whole allocation, which is what gets mapped
 * @param device UUID of the GPU whose memory it is
 * @param offset of the segment within the allocation
 */
public record GpuRecord(Kind kind, byte[] handle, long allocationBase, long allocationBytes, UUID device, long offset) {
    /** No handle is longer. */
    public static final int MAX_HANDLE_BYTES = 160;

    /** How memory is shared. The order is the wire's: append only. */
    public enum Kind {
        /** An open descriptor of the owner, which hands it over; processes of one host. */
        POSIX_FD,
        /** CUDA's inter-process handle of memory that the application has allocated; processes of one host. */
        CUDA_IPC,
        /** A fabric handle; processes of one clique, also on other hosts. */
        FABRIC
    }

    public GpuRecord {
        if (handle.length < 1 || handle.length > MAX_HANDLE_BYTES) {
            throw new IllegalArgumentException(
                    "a handle of GPU memory has 1 to " + MAX_HANDLE_BYTES + " bytes, got " + handle.length);
        }
        if (allocationBytes < 1 || offset < 0 || offset >= allocationBytes) {
            throw new IllegalArgumentException(
                    "offset " + offset + " in an allocation of " + allocationBytes + " bytes");
        }
        handle = handle.clone();
    }

    @Override
    public byte[] handle() {
        return handle.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof GpuRecord that
                && kind == that.kind
                && Arrays.equals(handle, that.handle)
                && allocationBase == that.allocationBase
                && allocationBytes == that.allocationBytes
                && device.equals(that.device)
                && offset == that.offset;
    }

    @Override
    public int hashCode() {
        return Objects.hash(kind, Arrays.hashCode(handle), allocationBase, allocationBytes, device, offset);
    }

    @Override
    public String toString() {
        return kind + " memory of GPU " + device + " (offset " + offset + " of " + allocationBytes + " bytes)";
    }
}
