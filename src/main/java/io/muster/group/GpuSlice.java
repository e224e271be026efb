// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

/**
 * GPU memory at an address of this process: a source or a destination of transfers.
 *
 * @param device index of the GPU in this process, as {@code CUDA_VISIBLE_DEVICES} counts
 * @param address a device pointer
 * @param bytes length
 */
public record GpuSlice(int device, long address, long bytes) {
    public GpuSlice {
        if (device < 0 || bytes < 0) {
            throw new IllegalArgumentException("device " + device + " with " + bytes + " bytes");
        }
    }

    /**
     * A part of it.
     *
     * @throws IndexOutOfBoundsException if the part exceeds this slice
     */
    public GpuSlice slice(long offset, long length) {
        if (offset < 0 || length < 0 || offset > bytes - length) {
            throw new IndexOutOfBoundsException(
                    "offset " + offset + " and " + length + " bytes leave a slice of " + bytes);
        }
        return new GpuSlice(device, address + offset, length);
    }
}
