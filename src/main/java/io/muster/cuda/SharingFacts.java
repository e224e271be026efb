// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.driver.FabricInfo;
import java.util.List;

/** What memory the devices of this host can share, as tried: exactly one of these. */
public sealed interface SharingFacts {

    /** There is no device to try it on. */
    record NotAsked(String reason) implements SharingFacts {}

    /** The driver lacks the calls. */
    record Unusable(String reason) implements SharingFacts {}

    /**
     * @param devices at least one, by index
     * @param micros how long all of it took
     */
    record Tried(List<DeviceSharing> devices, long micros) implements SharingFacts {
        public Tried {
            devices = List.copyOf(devices);
        }
    }

    /**
     * @param fabric memory for the fabric
     * @param posix memory for other processes of this host; the same calls but for the kind of handle
     */
    record DeviceSharing(int device, TrialOutcome fabric, TrialOutcome posix, FabricInfo info) {}
}
