// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.gpu;

import io.muster.Eventually;
import io.muster.cuda.Gpus;
import io.muster.cuda.driver.ShareKind;
import io.muster.group.GroupName;
import io.muster.group.ProcessId;
import io.muster.group.WriteException;
import io.muster.transfer.ControlKind;
import io.muster.transfer.RecordingChannel;
import io.muster.transfer.RemoteRegion;
import io.muster.transfer.memory.Region;
import io.muster.transfer.memory.RegionTable;
import io.muster.wire.Decoded;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/** Transfer messages of another process on the control connection, for {@link io.muster.Fuzz}. */
public final class TransferFuzz {
    private static final int REGION_BYTES = 64;
    private static final int GUARD_BYTES = 64;
    private static final byte GUARD = 0x5a;
    private static final byte SECRET = 0x33;
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private TransferFuzz() {}

    /** Made once per JVM, when the first input needs it. */
    private static final class Known {
        static final Vertx VERTX = Vertx.vertx();
    }

    /**
     * A conversation: messages, each with its length in front. Key 1 stands for the right key of a region without a
     * group, key 2 for that of a region whose group the channel has not proved: this does not test guessing.
     */
    public static void conversation(byte[] input) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory =
                    arena.allocate(REGION_BYTES + 2 * GUARD_BYTES).fill(GUARD);
            MemorySegment guarded = arena.allocate(REGION_BYTES).fill(SECRET);
            var table = new RegionTable(Known.VERTX, Known.VERTX.createSharedWorkerExecutor("test"));
            Region open = table.register("open", memory.asSlice(GUARD_BYTES, REGION_BYTES), null);
            Region closed = table.register("closed", guarded, null).guardedBy(new GroupName("g"));
            RecordingChannel channel = asker();
            var transfers = new GpuTransport(
                    Known.VERTX,
                    Known.VERTX.createSharedWorkerExecutor("test"),
                    table,
                    Gpus.none("fuzzed"),
                    new GpuTransport.Settings(ShareKind.POSIX, 1_000, 1_000, true),
                    _ -> channel);
            ByteBuf in = Unpooled.wrappedBuffer(input);
            while (in.isReadable(2)) {
                byte[] message = new byte[Math.min(in.readUnsignedShort(), in.readableBytes())];
                in.readBytes(message);
                transfers.received(
                        channel,
                        withKeys(message, open.remote().key(), closed.remote().key()));
            }
            transfers.lost(channel);
            Eventually.value( // places are freed on a worker
                    "every place is freed", PATIENCE, table::size, size -> size <= 2);
            for (long at = 0; at < memory.byteSize(); at++) {
                check(memory.get(ValueLayout.JAVA_BYTE, at) == GUARD, "a byte was written by a question");
            }
            check(
                    guarded.mismatch(MemorySegment.ofArray(filled(SECRET))) < 0,
                    "a byte of a group was written without its secret");
            for (Region region : List.of(open, closed)) {
                check(region.close(Duration.ofMillis(1)).isComplete(), "a lease was leaked");
            }
        }
    }

    private static byte[] filled(byte value) {
        byte[] bytes = new byte[REGION_BYTES];
        Arrays.fill(bytes, value);
        return bytes;
    }

    /** The message with the keys replaced. Checks that encoding it again yields the same bytes. */
    private static Buffer withKeys(byte[] bytes, long open, long closed) {
        if (!(TransferMessage.decode(Buffer.buffer(bytes))
                instanceof Decoded.Valid<TransferMessage>(TransferMessage message))) {
            return Buffer.buffer(bytes);
        }
        check(Arrays.equals(message.encode().getBytes(), bytes), "accepted, but not what would be written: " + message);
        return (switch (message) {
                    case TransferMessage.Attach(long request, int region, long key, long pid) ->
                        new TransferMessage.Attach(request, region, key(key, open, closed), pid);
                    case TransferMessage.Read(
                            long request,
                            RemoteRegion from,
                            long offset,
                            long length,
                            RemoteRegion into) ->
                        new TransferMessage.Read(request, withKey(from, open, closed), offset, length, into);
                    case TransferMessage.Commit(long request, RemoteRegion staged, RemoteRegion to, long offset) ->
                        new TransferMessage.Commit(request, staged, withKey(to, open, closed), offset);
                    case TransferMessage.Detached _,
                            TransferMessage.Revoke _,
                            TransferMessage.Stage _,
                            TransferMessage.Answer _ -> message;
                })
                .encode();
    }

    private static RemoteRegion withKey(RemoteRegion region, long open, long closed) {
        return new RemoteRegion(region.id(), key(region.key(), open, closed), region.bytes());
    }

    private static long key(long key, long open, long closed) {
        return key == 1 ? open : key == 2 ? closed : key;
    }

    /** The other process: it can read every answer, and hears no byte of what it may not read. */
    private static RecordingChannel asker() {
        return new RecordingChannel(new ProcessId(1, 2))
                .onSend((kind, payload) -> check(
                        kind == ControlKind.TRANSFER
                                && TransferMessage.decode(payload)
                                        instanceof Decoded.Valid<TransferMessage>(TransferMessage answer)
                                && answer instanceof TransferMessage.Answer,
                        "an answer that nobody can read"))
                .onWrite((_, _, source) -> {
                    for (long at = 0; at < source.byteSize() && at < REGION_BYTES; at++) {
                        check(
                                source.get(ValueLayout.JAVA_BYTE, at) != SECRET,
                                "a byte of a group was read without its secret");
                    }
                    return Future.succeededFuture();
                });
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    /** A valid conversation: each kind of message, in a plausible order. */
    public static byte[] good() {
        ByteBuf out = Unpooled.buffer();
        var mine = new RemoteRegion(9, 9, REGION_BYTES);
        for (TransferMessage message : List.of(
                new TransferMessage.Attach(1, 1, 1, 7),
                new TransferMessage.Detached(1),
                new TransferMessage.Revoke(1),
                new TransferMessage.Read(2, new RemoteRegion(1, 1, REGION_BYTES), 8, 16, mine),
                new TransferMessage.Read(3, new RemoteRegion(2, 2, REGION_BYTES), 0, REGION_BYTES, mine),
                new TransferMessage.Stage(4, 32),
                new TransferMessage.Commit(5, new RemoteRegion(3, 0, 32), new RemoteRegion(1, 1, REGION_BYTES), 0),
                new TransferMessage.Stage(6, 1),
                TransferMessage.Answer.done(1),
                TransferMessage.Answer.refused(1, WriteException.Reason.CLOSING, "why"))) {
            byte[] bytes = message.encode().getBytes();
            out.writeShort(bytes.length).writeBytes(bytes);
        }
        return Arrays.copyOf(out.array(), out.readableBytes());
    }
}
