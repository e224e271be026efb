// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.copy;

import io.muster.cuda.driver.CudaFailure;
import org.jspecify.annotations.Nullable;

/** Called once when a copy has ended, on the thread of its GPU; must not block. */
@FunctionalInterface
public interface CopyDone {
    /** @param failure null if the copy succeeded: its bytes are visible to every later copy and kernel */
    void done(@Nullable CudaFailure failure);
}
