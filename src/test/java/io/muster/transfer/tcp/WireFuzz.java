// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.memory.Region;
import io.muster.transfer.memory.RegionTable;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Set;

/** The decoders of the data port, for {@link io.muster.Fuzz}. */
public final class WireFuzz {
    private static final int MAX_FRAME_BYTES = 4_096;
    private static final int REGION_BYTES = 64;
    private static final int GUARD_BYTES = 64;
    private static final byte GUARD = 0x5a;

    private WireFuzz() {}

    /** A stream of frames in pieces of some length. Hellos and refusals in it are decoded. */
    public static void frames(byte[] input) {
        if (input.length < 1) {
            return;
        }
        int piece = 1 + (input[0] & 0x3f);
        var reader = new Frame.Reader(MAX_FRAME_BYTES);
        for (int at = 1; at < input.length; at += piece) {
            ByteBuf in = Unpooled.copiedBuffer(input, at, Math.min(piece, input.length - at));
            if (reader.feed(in, (type, body) -> frame(body)) != null) {
                break;
            }
        }
        reader.rest().release();
    }

    private static boolean frame(ByteBuf body) {
        ByteBuf again = body.duplicate();
        if (Hello.decode(body) instanceof Hello.Decoded.Valid(Hello hello, byte[] statement, byte[] proofs)) {
            ByteBuf out = Unpooled.buffer();
            hello.encode(out);
            byte[] encoded = new byte[out.readableBytes() - Frame.HEAD_BYTES - Short.BYTES];
            out.getBytes(Frame.HEAD_BYTES, encoded);
            check(
                    Hello.decode(out.skipBytes(Frame.HEAD_BYTES))
                                    instanceof Hello.Decoded.Valid(Hello same, var _, var _)
                            && same.equals(hello),
                    "a hello that does not come back");
            check(
                    statement.length <= again.readableBytes() && proofs.length <= Keyring.MAX_PROOFS_BYTES,
                    "a hello that is longer than its frame");
            Set<?> proved = Known.KEYRING.check(statement, Hello.context(0, Hello.NO_BINDING), proofs);
            check(proved.isEmpty(), "a proof out of nothing");
        }
        Refusal.decode(again);
        return true;
    }

    /**
     * The bytes of a bulk connection, for a table with one region of known key between guards: only the region may
     * change.
     */
    public static void bulk(byte[] input) {
        if (input.length < 1) {
            return;
        }
        int piece = 1 + (input[0] & 0x7f);
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory =
                    arena.allocate(REGION_BYTES + 2 * GUARD_BYTES).fill(GUARD);
            var table = new RegionTable(Known.VERTX, Known.VERTX.createSharedWorkerExecutor("test"));
            Region region = table.register("fuzz", memory.asSlice(GUARD_BYTES, REGION_BYTES), null);
            region.memory().fill((byte) 0);
            var receiver = new BulkReceiver(table, (_, _, _) -> {}, _ -> true);
            var parser = new BulkParser(
                    MAX_FRAME_BYTES, new Sink(receiver, region.remote().key()));
            for (int at = 1; at < input.length; at += piece) {
                ByteBuf in = Unpooled.directBuffer().writeBytes(input, at, Math.min(piece, input.length - at));
                try {
                    if (parser.feed(in) != null) {
                        break;
                    }
                } finally {
                    in.release();
                }
            }
            receiver.end();
            for (long at = 0; at < GUARD_BYTES; at++) {
                check(
                        memory.get(ValueLayout.JAVA_BYTE, at) == GUARD
                                && memory.get(ValueLayout.JAVA_BYTE, GUARD_BYTES + REGION_BYTES + at) == GUARD,
                        "a byte outside of the region was written");
            }
            check(region.close(java.time.Duration.ofMillis(1)).isComplete(), "a lease was left behind");
        }
    }

    /** Guessing 64 bits is not what is tested: key 1 stands for the right one. */
    private record Sink(BulkReceiver receiver, long key) implements BulkParser.Sink {
        @Override
        public String probe(ByteBuf body) {
            return PathProbe.verify(body);
        }

        @Override
        public String probeOk() {
            return null;
        }

        @Override
        public String chunk(BulkParser.ChunkHeader header, int bytes) {
            return receiver.chunk(
                    header.key() == 1
                            ? new BulkParser.ChunkHeader(
                                    header.request(),
                                    header.region(),
                                    key,
                                    header.offset(),
                                    header.length(),
                                    header.position())
                            : header,
                    bytes);
        }

        @Override
        public void payload(ByteBuf bytes) {
            receiver.payload(bytes);
        }

        @Override
        public String chunkEnd() {
            return receiver.chunkEnd();
        }

        @Override
        public void fill() {}

        @Override
        public void cancel(long request) {
            receiver.cancel(request);
        }

        @Override
        public String ack(long request, int status, String detail) {
            return null;
        }
    }

    /** Made once per JVM, when the first input needs it. */
    private static final class Known {
        static final io.vertx.core.Vertx VERTX = io.vertx.core.Vertx.vertx();
        static final Keyring KEYRING = new Keyring();

        static {
            KEYRING.add(io.muster.group.GroupSecret.of(Arrays.copyOf(new byte[] {1, 2, 3}, 32)));
        }
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    /** A good beginning of each kind. */
    public static byte[] goodHello() {
        ByteBuf out = Unpooled.buffer().writeByte(40);
        var keyring = new Keyring();
        keyring.add(io.muster.group.GroupSecret.of(Arrays.copyOf(new byte[] {9, 2, 3}, 32)));
        new Hello(
                        Hello.Role.BULK,
                        new io.muster.group.ProcessId(1, 2),
                        new io.muster.group.ProcessId(3, 4),
                        5,
                        6,
                        1 << 20,
                        "127.0.0.1",
                        9,
                        new ChannelGeneration(7, 8))
                .encode(out, keyring, 7, Hello.NO_BINDING);
        new Refusal(Refusal.Code.UNPROVED, new io.muster.group.ProcessId(1, 2), 2, "why").encode(out);
        return Arrays.copyOf(out.array(), out.readableBytes());
    }

    public static byte[] goodWrites() {
        ByteBuf out = Unpooled.buffer().writeByte(100);
        new BulkParser.ChunkHeader(1, 1, 1, 8, 16, 0).encode(out, 8);
        out.writeLong(1);
        new BulkParser.ChunkHeader(1, 1, 1, 8, 16, 8).encode(out, 8);
        out.writeLong(2);
        new BulkParser.ChunkHeader(2, 1, 1, 60, 8, 0).encode(out, 8);
        out.writeLong(3);
        BulkParser.encodeAck(out, 5, 1, "detail");
        Frame.head(out, Frame.PROBE_OK, 0);
        return Arrays.copyOf(out.array(), out.readableBytes());
    }
}
