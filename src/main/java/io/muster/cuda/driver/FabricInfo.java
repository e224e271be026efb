// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

import java.util.OptionalInt;
import java.util.UUID;

/** NVML's information on a GPU's fabric: exactly one of these. */
public sealed interface FabricInfo {

    /**
     * @param clusterUuid zero for a GPU that is in no fabric across hosts
     * @param clique the part of the cluster, an unsigned number
     * @param state {@code NVML_GPU_FABRIC_STATE_*}: {@link #COMPLETED} when the GPU is registered
     * @param status an {@code nvmlReturn_t}, valid only if completed; 0 is success
     * @param healthMask of version 2; empty if the library is older
     */
    record Known(UUID clusterUuid, int clique, int state, int status, OptionalInt healthMask) implements FabricInfo {
        public static final int COMPLETED = 3;
        private static final UUID ZERO = new UUID(0, 0);

        /**
         * True if the GPU is registered without an error in a cluster with an identity. A plain host is registered too,
         * with a zero cluster UUID.
         */
        public boolean inFabric() {
            return registered() && !clusterUuid.equals(ZERO);
        }

        public boolean registered() {
            return state == COMPLETED && status == 0;
        }

        /** For example {@code 3 (completed)}. */
        public String stateText() {
            return state
                    + switch (state) {
                        case 0 -> " (not supported)";
                        case 1 -> " (not started)";
                        case 2 -> " (in progress)";
                        case COMPLETED -> " (completed)";
                        default -> " (unknown)";
                    };
        }
    }

    /** NVML was not called, or failed. */
    record Unknown(String reason) implements FabricInfo {}
}
