// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.copy;

import io.muster.cuda.driver.GpuCopy;
import java.util.List;

/**
 * Copies that are requested together: they run one after the other and are reported by one call.
 *
 * @param lane from 0, less than {@link CopyStarter#LANES}
 */
public record WantedCopy(int lane, List<GpuCopy> copies, CopyDone done) {
    long bytes() {
        long bytes = 0;
        for (GpuCopy copy : copies) {
            bytes += copy.bytes();
        }
        return bytes;
    }

    WantedCopy reportingTo(CopyDone other) {
        return new WantedCopy(lane, copies, other);
    }
}
