// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.copy;

import io.muster.cuda.driver.GpuCopy;

/** Accepts copies: {@link #AT_ONCE} starts each at its GPU, and a {@link CopyBatch} starts them together. */
@FunctionalInterface
public interface CopyQueue {
    CopyQueue AT_ONCE = CopyStarter::copy;

    /** Host memory must stay unchanged and allocated until {@code done} is called. */
    void add(CopyStarter gpu, int lane, GpuCopy copy, CopyDone done);
}
