// SPDX-License-Identifier: Apache-2.0

package io.muster.segment;

import io.muster.group.ProcessId;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The data that others need to reach the memory of a rank: its process and address, the offer of its warmup policy, and
 * its segments.
 *
 * @param process the process of the rank
 * @param host address that others dial
 * @param port port that others dial
 * @param hostId equal for two processes on one machine in one network namespace: boot id and namespace, not the name
 * @param pid process id on that machine, for reports
 * @param memberUuid the process's identity in the store's cluster when the handle was published; changes on a merge
 * @param warmupMode the mode of the policy; both ends must have the same
 * @param transports transports that reach the process, best first
 * @param fabric the offer of its fabric, {@link FabricOffer#NONE} if there is none
 * @param segments registered segments, in the order of registration
 */
public record SegmentHandle(
        ProcessId process,
        String host,
        int port,
        String hostId,
        long pid,
        String memberUuid,
        String warmupMode,
        List<String> transports,
        FabricOffer fabric,
        List<SegmentInfo> segments) {
    /** Most segments of a handle. */
    public static final int MAX_SEGMENTS = 1024;

    public SegmentHandle {
        if (host.isBlank() || host.length() > 255) {
            throw new IllegalArgumentException("host must have 1 to 255 characters, got " + host.length());
        }
        if (port < 1 || port > 65_535) {
            throw new IllegalArgumentException("port must be in 1..65535, got " + port);
        }
        if (segments.size() > MAX_SEGMENTS) {
            throw new IllegalArgumentException(
                    "at most " + MAX_SEGMENTS + " segments fit into a handle, got " + segments.size());
        }
        transports = List.copyOf(transports);
        segments = List.copyOf(segments);
    }

    /**
     * The fabric side of a handle.
     *
     * @param identity {@code CLUSTERUUID/CLIQUE}, empty if no fabric is proven
     * @param simulated true for a simulated fabric
     * @param export exported handle that a peer must be able to import, empty if there is none
     * @param reason why there is no fabric, or how it was proven
     */
    public record FabricOffer(String identity, boolean simulated, byte[] export, String reason) {
        public static final FabricOffer NONE = new FabricOffer("", false, new byte[0], "");

        public FabricOffer {
            export = export.clone();
        }

        @Override
        public byte[] export() {
            return export.clone();
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof FabricOffer that
                    && identity.equals(that.identity)
                    && simulated == that.simulated
                    && Arrays.equals(export, that.export)
                    && reason.equals(that.reason);
        }

        @Override
        public int hashCode() {
            return Objects.hash(identity, simulated, Arrays.hashCode(export), reason);
        }
    }
}
