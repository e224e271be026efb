// SPDX-License-Identifier: Apache-2.0

package io.muster.segment;

import java.util.Arrays;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * One way to reach a segment that lies in the memory of a GPU. The kind, never the length, defines the meaning of the
 * handle.
 *
 * @param kind how the memory is shared
 * @param handle the data that this kind needs, opaque here
 * @param allocationBase address of the allocation in its owner; it tells allocations apart, and is no address in any
 *     other process
 * @param allocationBytes size of the whole allocation, which is mapped as a whole
 * @param device UUID of the GPU that has the memory
 * @param offset of the segment within the allocation
 */
public record GpuRecord(Kind kind, byte[] handle, long allocationBase, long allocationBytes, UUID device, long offset) {
    /** Longest handle. */
    public static final int MAX_HANDLE_BYTES = 160;

    /** How memory is shared. The order is that of the wire: append only. */
    public enum Kind {
        /** A file descriptor that the owner hands over; for processes of one machine. */
        POSIX_FD,
        /** CUDA's inter-process handle of memory that the application has allocated; for processes of one machine. */
        CUDA_IPC,
        /** A fabric handle; for processes of one clique, also on other machines. */
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
    public boolean equals(@Nullable Object other) {
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
