// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.driver.FabricInfo;
import java.util.List;

/** The kinds of memory that the devices of this host can share, from trials: exactly one of these. */
public sealed interface SharingFacts {

    /** There is no device for a trial. */
    record NotAsked(String reason) implements SharingFacts {}

    /** The driver lacks the calls. */
    record Unusable(String reason) implements SharingFacts {}

    /**
     * @param devices at least one, by index
     * @param micros duration of all trials
     */
    record Tried(List<DeviceSharing> devices, long micros) implements SharingFacts {
        public Tried {
            devices = List.copyOf(devices);
        }
    }

    /**
     * @param fabric memory for the fabric
     * @param posix memory for other processes of this host, by the same calls with another kind of handle
     */
    record DeviceSharing(int device, TrialOutcome fabric, TrialOutcome posix, FabricInfo info) {}
}
