// SPDX-License-Identifier: Apache-2.0

package io.muster.segment;

import io.muster.group.ProcessId;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

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
     * The memory by which peers warm up links to this process without the bulk connection: none, memory exported to a
     * fabric, or slots in GPU memory. The four accessors are the stored form, which {@link #of} reads.
     */
    public sealed interface FabricOffer {
        FabricOffer NONE = new None(false, "");

        /** {@code CLUSTERUUID/CLIQUE}; empty unless a fabric is proven and memory is exported to it. */
        String identity();

        /** True for a simulated fabric. */
        boolean simulated();

        /** What a peer imports, or by which it reaches the slots; empty if there is nothing. */
        byte[] export();

        /** How the fabric was proven, or why there is none; for people. */
        String reason();

        /**
         * The offer of this stored form.
         *
         * @throws IllegalArgumentException if no offer has this form
         */
        static FabricOffer of(String identity, boolean simulated, byte[] export, String reason) {
            if (!identity.isEmpty()) {
                return new Exported(identity, simulated, export, reason);
            }
            if (export.length == 0) {
                return new None(simulated, reason);
            }
            if (simulated) {
                throw new IllegalArgumentException("slots in GPU memory can't be simulated");
            }
            return new GpuSlots(export, reason);
        }

        /**
         * No memory is offered.
         *
         * @param simulated true if a simulated fabric could not export memory
         */
        record None(boolean simulated, String reason) implements FabricOffer {
            @Override
            public String identity() {
                return "";
            }

            @Override
            public byte[] export() {
                return new byte[0];
            }
        }

        /**
         * Memory exported to a proven fabric.
         *
         * @param identity not empty
         * @param export handle that a peer of the same fabric must be able to import
         */
        record Exported(String identity, boolean simulated, byte[] export, String reason) implements FabricOffer {
            public Exported {
                if (identity.isEmpty()) {
                    throw new IllegalArgumentException("memory is exported to a fabric with an identity");
                }
                export = export.clone();
            }

            @Override
            public byte[] export() {
                return export.clone();
            }

            @Override
            public boolean equals(Object other) {
                return other instanceof Exported that
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

        /**
         * Warmup slots in the memory of a GPU, for mode {@code fabric}. They need no fabric.
         *
         * @param export the {@link SegmentInfo} of the slots, encoded; not empty
         */
        record GpuSlots(byte[] export, String reason) implements FabricOffer {
            public GpuSlots {
                if (export.length == 0) {
                    throw new IllegalArgumentException("slots in GPU memory have a segment");
                }
                export = export.clone();
            }

            @Override
            public String identity() {
                return "";
            }

            @Override
            public boolean simulated() {
                return false;
            }

            @Override
            public byte[] export() {
                return export.clone();
            }

            @Override
            public boolean equals(Object other) {
                return other instanceof GpuSlots that
                        && Arrays.equals(export, that.export)
                        && reason.equals(that.reason);
            }

            @Override
            public int hashCode() {
                return Objects.hash(Arrays.hashCode(export), reason);
            }
        }
    }
}
