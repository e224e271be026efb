// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

import io.muster.group.FabricIdentity;
import io.muster.group.LifeId;
import io.muster.group.Member;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of a simulated export. The peer gets them as the handle; the memory's file begins with the same bytes, but
 * without the file's name. All numbers big-endian: magic 4, version 1, cluster UUID 16, clique 4, rank 4, incarnation
 * 8, life 16, token 32, and in the handle the length of the file's name 1 and the name.
 *
 * <p>The name is never a path, so a handle from a peer can only open a file in the folder of this process's clique.
 */
record SimulatedHandle(FabricIdentity identity, Member owner, Token token, String fileName) {
    /** Length of the header at the start of the file. */
    static final int HEADER_BYTES = 4 + 1 + 16 + 4 + 4 + 8 + 16 + Token.BYTES;

    private static final int MAGIC = 0x4D53_4642; // "MSFB"
    private static final byte VERSION = 1;
    private static final int MAX_NAME_BYTES = 100;
    private static final Pattern NAME = Pattern.compile("[0-9]{1,10}-[0-9]{1,19}-[0-9a-f]{16}\\.[0-9]{1,10}\\.mem");

    /** 32 random bytes, compared in constant time, never printed. */
    record Token(byte[] bytes) {
        static final int BYTES = 32;

        Token {
            if (bytes.length != BYTES) {
                throw new IllegalArgumentException("a token has " + BYTES + " bytes, got " + bytes.length);
            }
            bytes = bytes.clone();
        }

        @Override
        public byte[] bytes() {
            return bytes.clone();
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Token that && MessageDigest.isEqual(bytes, that.bytes);
        }

        @Override
        public int hashCode() {
            return ByteBuffer.wrap(bytes).getInt();
        }

        @Override
        public String toString() {
            return "(token)";
        }
    }

    SimulatedHandle {
        if (!NAME.matcher(fileName).matches()) {
            throw new IllegalArgumentException("not a file name of a simulated fabric");
        }
    }

    byte[] header() {
        return ByteBuffer.allocate(HEADER_BYTES)
                .putInt(MAGIC)
                .put(VERSION)
                .putLong(identity.clusterUuid().getMostSignificantBits())
                .putLong(identity.clusterUuid().getLeastSignificantBits())
                .putInt(identity.clique())
                .putInt(owner.rank())
                .putLong(owner.incarnation())
                .putLong(owner.life().high())
                .putLong(owner.life().low())
                .put(token.bytes())
                .array();
    }

    byte[] encode() {
        byte[] name = fileName.getBytes(StandardCharsets.US_ASCII);
        return ByteBuffer.allocate(HEADER_BYTES + 1 + name.length)
                .put(header())
                .put((byte) name.length)
                .put(name)
                .array();
    }

    /** Empty for all bytes that {@link #encode()} did not make; never throws. */
    static Optional<SimulatedHandle> decode(byte[] bytes) {
        if (bytes.length > ExportedHandle.MAX_BYTES) {
            return Optional.empty();
        }
        try {
            ByteBuffer in = ByteBuffer.wrap(bytes);
            if (in.getInt() != MAGIC || in.get() != VERSION) {
                return Optional.empty();
            }
            FabricIdentity identity = new FabricIdentity(new UUID(in.getLong(), in.getLong()), in.getInt());
            Member owner = new Member(in.getInt(), in.getLong(), new LifeId(in.getLong(), in.getLong()));
            byte[] token = new byte[Token.BYTES];
            in.get(token);
            int nameLength = Byte.toUnsignedInt(in.get());
            if (nameLength > MAX_NAME_BYTES || nameLength != in.remaining()) {
                return Optional.empty();
            }
            String name = StandardCharsets.US_ASCII.decode(in).toString();
            return Optional.of(new SimulatedHandle(identity, owner, new Token(token), name));
        } catch (BufferUnderflowException | IllegalArgumentException e) {
            return Optional.empty(); // too short, or a value out of range
        }
    }
}
