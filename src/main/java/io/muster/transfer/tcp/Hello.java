// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.transfer.ChannelGeneration;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The first frame of every connection, in both directions.
 *
 * @param role what the connection is for
 * @param sender who speaks
 * @param receiver who is believed to listen
 * @param nonce random; the two of a control connection are its channel's generation
 * @param dial number of the dial within the dialling process, strictly increasing; repeated by the answer
 * @param maxFrameBytes the longest frame that the sender takes
 * @param host where the sender can be dialled
 * @param port where the sender can be dialled
 * @param named bulk: the generation (as the sender holds it) that it belongs to; control: the last one that the sender
 *     held, which this one replaces
 */
record Hello(
        Role role,
        ProcessId sender,
        ProcessId receiver,
        long nonce,
        long dial,
        int maxFrameBytes,
        String host,
        int port,
        @Nullable ChannelGeneration named) {

    /**
     * Of all that is said over the connections, and of its order: another one gets no channel, with both numbers named.
     */
    static final int VERSION = 3;

    static final byte[] NO_BINDING = {};
    private static final int MAGIC = 0x4d555354;

    /** The order is the wire's: append only. */
    enum Role {
        CONTROL,
        BULK
    }

    /** What a hello frame turned out to be. */
    sealed interface Decoded {
        /**
         * A hello, and what is said for it.
         *
         * @param statement the bytes that the proofs are of
         * @param proofs see {@link Keyring}
         */
        record Valid(Hello hello, byte[] statement, byte[] proofs) implements Decoded {}

        record OtherVersion(int version) implements Decoded {}

        record Malformed(String why) implements Decoded {}
    }

    ProcessAddress address() {
        return new ProcessAddress(sender, host, port);
    }

    /** The whole frame, without proofs. */
    void encode(ByteBuf out) {
        encode(out, new Keyring(), 0, NO_BINDING);
    }

    /**
     * The whole frame.
     *
     * @param keyring what this process can prove
     * @param peerNonce the other end's nonce, 0 where it is not known yet
     * @param binding what names the TLS session, empty without
     */
    void encode(ByteBuf out, Keyring keyring, long peerNonce, byte[] binding) {
        byte[] hostBytes = host.getBytes(StandardCharsets.UTF_8);
        int start = out.writerIndex();
        Frame.head(out, Frame.HELLO, 0);
        int body = out.writerIndex();
        out.writeInt(MAGIC).writeShort(VERSION).writeByte(role.ordinal());
        write(out, sender);
        write(out, receiver);
        out.writeLong(nonce).writeLong(dial).writeInt(maxFrameBytes);
        out.writeShort(hostBytes.length).writeBytes(hostBytes).writeShort(port);
        out.writeBoolean(named != null);
        if (named != null) {
            out.writeLong(named.mine()).writeLong(named.theirs());
        }
        byte[] statement = new byte[out.writerIndex() - body];
        out.getBytes(body, statement);
        byte[] proofs = keyring.prove(statement, context(peerNonce, binding));
        out.writeShort(proofs.length).writeBytes(proofs);
        out.setInt(start, out.writerIndex() - start - 4);
    }

    /** What a proof is bound to beside the hello itself. */
    static byte[] context(long peerNonce, byte[] binding) {
        return ByteBuffer.allocate(Long.BYTES + binding.length)
                .putLong(peerNonce)
                .put(binding)
                .array();
    }

    /** Total: any bytes have an answer. */
    static Decoded decode(ByteBuf body) {
        int start = body.readerIndex();
        try {
            if (body.readInt() != MAGIC) {
                return new Decoded.Malformed("not a hello of this protocol");
            }
            int version = body.readUnsignedShort();
            return version == VERSION ? decodeRest(body, start) : new Decoded.OtherVersion(version);
        } catch (IndexOutOfBoundsException _) {
            return new Decoded.Malformed("a hello that ends too early");
        } catch (IllegalArgumentException invalid) {
            return new Decoded.Malformed("a hello with " + invalid.getMessage());
        }
    }

    private static Decoded decodeRest(ByteBuf body, int start) {
        int role = body.readUnsignedByte();
        if (role >= Role.values().length) {
            return new Decoded.Malformed("a hello for a connection of kind " + role);
        }
        ProcessId sender = readProcess(body);
        ProcessId receiver = readProcess(body);
        long nonce = body.readLong();
        long dial = body.readLong();
        int maxFrameBytes = body.readInt();
        String host = body.readCharSequence(body.readUnsignedShort(), StandardCharsets.UTF_8)
                .toString();
        int port = body.readUnsignedShort();
        ChannelGeneration named = body.readBoolean() ? new ChannelGeneration(body.readLong(), body.readLong()) : null;
        byte[] statement = new byte[body.readerIndex() - start];
        body.getBytes(start, statement);
        int proofsBytes = body.readUnsignedShort();
        if (proofsBytes > Keyring.MAX_PROOFS_BYTES) {
            return new Decoded.Malformed("a hello with " + proofsBytes + " bytes of proofs");
        }
        byte[] proofs = new byte[proofsBytes];
        body.readBytes(proofs);
        Hello hello = new Hello(Role.values()[role], sender, receiver, nonce, dial, maxFrameBytes, host, port, named);
        hello.address(); // validates
        return new Decoded.Valid(hello, statement, proofs);
    }

    private static void write(ByteBuf out, ProcessId process) {
        out.writeLong(process.high()).writeLong(process.low());
    }

    private static ProcessId readProcess(ByteBuf in) {
        return new ProcessId(in.readLong(), in.readLong());
    }
}
