// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

/**
 * Where copies are handed in: at a GPU, which starts them at once, or at a {@link CopyBatch}, which starts them
 * together.
 */
@FunctionalInterface
public interface CopyQueue {
    CopyQueue AT_ONCE = Gpu::copy;

    /** Host memory must stay until the copy is told as done. */
    void add(Gpu gpu, int lane, GpuCopy copy, Gpu.Done done);
}
