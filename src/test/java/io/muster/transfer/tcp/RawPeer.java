// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.ProcessId;
import io.muster.transfer.ChannelGeneration;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.Socket;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A peer over plain sockets that implements just enough of the protocol to open a channel, and then does nothing by
 * itself.
 */
record RawPeer(ProcessId id, Socket control, Socket bulk, ChannelGeneration generation) implements AutoCloseable {
    static RawPeer open(TestProcess target, ProcessId id, long dial, @Nullable ChannelGeneration replaces)
            throws IOException {
        return begin(target, id, dial, replaces).prove();
    }

    /** The path probes of both directions: the channel is open at the target, or about to be. */
    RawPeer prove() throws IOException {
        ByteBuf probe = Unpooled.buffer();
        PathProbe.encode(probe, 1);
        Frame.head(probe, Frame.PROBE_OK, 0);
        send(bulk, probe);
        for (byte expected : new byte[] {Frame.HELLO, Frame.PROBE, Frame.PROBE_OK}) {
            byte type = read(bulk).readByte();
            if (type != expected) {
                throw new IOException("expected frame " + expected + ", got " + type);
            }
        }
        return this;
    }

    /** Both connections after the hellos, before any path probe. */
    static RawPeer begin(TestProcess target, ProcessId id, long dial, @Nullable ChannelGeneration replaces)
            throws IOException {
        return begin(target, id, dial, replaces, Unpooled.EMPTY_BUFFER);
    }

    /** @param behind what follows the control hello at once */
    static RawPeer begin(
            TestProcess target, ProcessId id, long dial, @Nullable ChannelGeneration replaces, ByteBuf behind)
            throws IOException {
        long nonce = dial * 1_000;
        Socket control = new Socket("127.0.0.1", target.transport.address().port());
        send(
                control,
                hello(Hello.Role.CONTROL, id, target.id, nonce, dial, replaces).writeBytes(behind));
        ByteBuf answer = read(control);
        if (answer.readByte() == Frame.REFUSE) {
            control.close();
            throw new IOException("refused: " + Optional.ofNullable(Refusal.decode(answer)));
        }
        long theirs = ((Hello.Decoded.Valid) Hello.decode(answer)).hello().nonce();
        ChannelGeneration generation = new ChannelGeneration(nonce, theirs);
        Socket bulk = new Socket("127.0.0.1", target.transport.address().port());
        send(bulk, hello(Hello.Role.BULK, id, target.id, nonce, dial, generation));
        return new RawPeer(id, control, bulk, generation);
    }

    static ByteBuf hello(
            Hello.Role role, ProcessId id, ProcessId target, long nonce, long dial, @Nullable ChannelGeneration named) {
        ByteBuf out = Unpooled.buffer();
        new Hello(role, id, target, nonce, dial, 1 << 20, "127.0.0.1", 9, named).encode(out);
        return out;
    }

    static void send(Socket socket, ByteBuf bytes) throws IOException {
        socket.getOutputStream().write(bytes.array(), bytes.readerIndex(), bytes.readableBytes());
    }

    /** Type and body. */
    static ByteBuf read(Socket socket) throws IOException {
        DataInputStream in = new DataInputStream(socket.getInputStream());
        return Unpooled.wrappedBuffer(in.readNBytes(in.readInt()));
    }

    @Override
    public void close() throws IOException {
        control.close();
        bulk.close();
    }
}
