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
 * @param role the purpose of the connection
 * @param sender the process that sends the hello
 * @param receiver the process that the sender expects at this address
 * @param nonce random; the two nonces of a control connection are the generation of its channel
 * @param dial number of the dial within the dialling process, strictly increasing; the answer repeats it
 * @param maxFrameBytes the longest frame that the sender accepts
 * @param host where the sender can be dialled
 * @param port where the sender can be dialled
 * @param named in a bulk hello: the generation of the channel that the connection belongs to; in a control hello: the
 *     generation of the sender's last channel to this process, which the new one replaces; both in the sender's order
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
     * Version of the whole protocol. A process with another version gets no channel, and an error with both numbers.
     */
    static final int VERSION = 4;

    static final byte[] NO_BINDING = {};
    private static final int MAGIC = 0x4d555354;

    /** The ordinals are part of the protocol: append only. */
    enum Role {
        CONTROL,
        BULK
    }

    /** The result of decoding a hello frame. */
    sealed interface Decoded {
        /**
         * A valid hello with its proofs.
         *
         * @param statement the bytes that the proofs sign
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
     * @param keyring the secrets that this process can prove
     * @param peerNonce the nonce of the peer, 0 if it is not known yet
     * @param binding identifies the TLS session, empty without TLS
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

    /** The bytes that a proof signs beside the hello itself. */
    static byte[] context(long peerNonce, byte[] binding) {
        return ByteBuffer.allocate(Long.BYTES + binding.length)
                .putLong(peerNonce)
                .put(binding)
                .array();
    }

    /** Total: any bytes have a result. */
    static Decoded decode(ByteBuf body) {
        int start = body.readerIndex();
        try {
            if (body.readInt() != MAGIC) {
                return new Decoded.Malformed("not a hello of this protocol");
            }
            int version = body.readUnsignedShort();
            return version == VERSION ? decodeRest(body, start) : new Decoded.OtherVersion(version);
        } catch (IndexOutOfBoundsException _) {
            return new Decoded.Malformed("a truncated hello");
        } catch (IllegalArgumentException invalid) {
            return new Decoded.Malformed("a hello with " + invalid.getMessage());
        }
    }

    private static Decoded decodeRest(ByteBuf body, int start) {
        int role = body.readUnsignedByte();
        if (role >= Role.values().length) {
            return new Decoded.Malformed("a hello for a connection of unknown role " + role);
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
