// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

import io.muster.group.FabricIdentity;
import io.muster.group.LifeId;
import io.muster.group.Member;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.UUID;

/**
 * The handle by which a peer imports fabric memory of a GPU: its clique, its owner, the token in the memory, and CUDA's
 * fabric handle.
 *
 * @param token 16 bytes, random, at the start of the memory
 * @param handle the 64 bytes of a {@code CUmemFabricHandle}
 */
record GpuMemoryHandle(FabricIdentity identity, Member owner, byte[] token, long allocationBytes, byte[] handle) {
    static final int TOKEN_BYTES = 16;
    private static final int HANDLE_BYTES = 64;
    private static final byte VERSION = 1;
    private static final int BYTES = 1 + 16 + 4 + 4 + 8 + 16 + TOKEN_BYTES + 8 + HANDLE_BYTES;

    byte[] encode() {
        UUID cluster = identity.clusterUuid();
        return ByteBuffer.allocate(BYTES)
                .put(VERSION)
                .putLong(cluster.getMostSignificantBits())
                .putLong(cluster.getLeastSignificantBits())
                .putInt(identity.clique())
                .putInt(owner.rank())
                .putLong(owner.incarnation())
                .putLong(owner.life().high())
                .putLong(owner.life().low())
                .put(token)
                .putLong(allocationBytes)
                .put(handle)
                .array();
    }

    /** Empty if the bytes, which come from another process, are not such a handle. */
    static Optional<GpuMemoryHandle> decode(byte[] bytes) {
        if (bytes.length != BYTES || bytes[0] != VERSION) {
            return Optional.empty();
        }
        ByteBuffer in = ByteBuffer.wrap(bytes, 1, BYTES - 1);
        try {
            var identity = new FabricIdentity(new UUID(in.getLong(), in.getLong()), in.getInt());
            var owner = new Member(in.getInt(), in.getLong(), new LifeId(in.getLong(), in.getLong()));
            byte[] token = new byte[TOKEN_BYTES];
            in.get(token);
            long allocationBytes = in.getLong();
            byte[] handle = new byte[HANDLE_BYTES];
            in.get(handle);
            return allocationBytes < 1
                    ? Optional.empty()
                    : Optional.of(new GpuMemoryHandle(identity, owner, token, allocationBytes, handle));
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }
}
