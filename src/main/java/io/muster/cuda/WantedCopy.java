// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import java.util.List;

/**
 * Copies that are wanted, done one after the other and told as done together.
 *
 * @param lane one of {@link Gpu#LANES}
 */
record WantedCopy(int lane, List<GpuCopy> copies, Gpu.Done done) {
    long bytes() {
        long bytes = 0;
        for (GpuCopy copy : copies) {
            bytes += copy.bytes();
        }
        return bytes;
    }

    WantedCopy toldTo(Gpu.Done other) {
        return new WantedCopy(lane, copies, other);
    }
}
