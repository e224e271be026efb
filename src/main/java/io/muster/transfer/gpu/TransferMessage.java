// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.gpu;

import io.muster.group.Clause;
import io.muster.group.WriteException;
import io.muster.transfer.RemoteRegion;
import io.muster.wire.CanonicalReader;
import io.muster.wire.CanonicalReader.MalformedException;
import io.muster.wire.CanonicalWriter;
import io.muster.wire.Decoded;
import io.vertx.core.buffer.Buffer;

/**
 * The messages of transfers on the control connection: the mapping and unmapping of GPU memory, and requests to move
 * bytes that the sender can't move itself. A request carries a number, and its {@link Answer} repeats it.
 */
public sealed interface TransferMessage {
    /** The largest staging area: bounds the memory that one request can make the other process allocate. */
    long MAX_STAGED_BYTES = 4L << 20;

    int MAX_DETAIL = 512;

    /** Stands for "no region". */
    RemoteRegion NONE = new RemoteRegion(0, 0, 0);

    /** The sender is going to map this region. Answered; later ended by {@link Detached}. */
    record Attach(long request, int region, long key, long pid) implements TransferMessage {}

    /** The sender has ended one mapping of this region, and no copy over it is under way. */
    record Detached(int region) implements TransferMessage {}

    /** The region is closing: unmap it. Answered by one {@link Detached} per mapping. */
    record Revoke(int region) implements TransferMessage {}

    /** Write this part of a region of the receiver into a region of the sender, at its offset 0. */
    record Read(long request, RemoteRegion from, long offset, long bytes, RemoteRegion into)
            implements TransferMessage {}

    /** Allocate a staging area of this size, for the sender to write into. */
    record Stage(long request, long bytes) implements TransferMessage {}

    /** Copy the content of the staging area into this region, and free the staging area. */
    record Commit(long request, RemoteRegion staged, RemoteRegion to, long offset) implements TransferMessage {}

    /**
     * The answer to a request.
     *
     * @param status 0: done; else 1 + the ordinal of a {@link WriteException.Reason}
     * @param place the staging area for a {@link Stage}, else {@link #NONE}
     */
    record Answer(long request, int status, String detail, RemoteRegion place) implements TransferMessage {
        static Answer done(long request) {
            return new Answer(request, 0, "", NONE);
        }

        static Answer refused(long request, WriteException.Reason reason, String detail) {
            return new Answer(request, 1 + reason.ordinal(), Clause.atMost(MAX_DETAIL, detail), NONE);
        }
    }

    default Buffer encode() {
        var out = new CanonicalWriter();
        switch (this) {
            case Attach(long request, int region, long key, long pid) ->
                out.u8('A').i64(request).i32(region).i64(key).i64(pid);
            case Detached(int region) -> out.u8('D').i32(region);
            case Revoke(int region) -> out.u8('V').i32(region);
            case Read(long request, RemoteRegion from, long offset, long bytes, RemoteRegion into) ->
                write(write(out.u8('R').i64(request), from).i64(offset).i64(bytes), into);
            case Stage(long request, long bytes) -> out.u8('S').i64(request).i64(bytes);
            case Commit(long request, RemoteRegion staged, RemoteRegion to, long offset) ->
                write(write(out.u8('C').i64(request), staged), to).i64(offset);
            case Answer(long request, int status, String detail, RemoteRegion place) ->
                write(out.u8('Y').i64(request).u8(status).text(detail), place);
        }
        return Buffer.buffer(out.toByteArray());
    }

    /** Total: the bytes come from another process, and any bytes have a result. */
    static Decoded<TransferMessage> decode(Buffer frame) {
        try {
            var in = new CanonicalReader(frame.getBytes());
            TransferMessage message = read(in);
            in.end();
            return new Decoded.Valid<>(message);
        } catch (MalformedException | IllegalArgumentException e) {
            return new Decoded.Malformed<>(String.valueOf(e.getMessage()));
        }
    }

    private static TransferMessage read(CanonicalReader in) throws MalformedException {
        int kind = in.u8("kind");
        return switch (kind) {
            case 'A' -> new Attach(in.i64("request"), in.i32("region"), in.i64("key"), in.i64("pid"));
            case 'D' -> new Detached(in.i32("region"));
            case 'V' -> new Revoke(in.i32("region"));
            case 'R' -> new Read(in.i64("request"), region(in), in.i64("offset"), in.i64("bytes"), region(in));
            case 'S' -> new Stage(in.i64("request"), in.i64("bytes"));
            case 'C' -> new Commit(in.i64("request"), region(in), region(in), in.i64("offset"));
            case 'Y' -> answer(in);
            default ->
                throw new MalformedException(
                        "kind of transfer message: expected one of A, D, V, R, S, C, Y, got " + kind);
        };
    }

    private static Answer answer(CanonicalReader in) throws MalformedException {
        long request = in.i64("request");
        int status = in.u8("status");
        if (status > WriteException.Reason.values().length) {
            throw new MalformedException(
                    "status: expected at most " + WriteException.Reason.values().length + ", got " + status);
        }
        return new Answer(request, status, in.text("detail", 4 * MAX_DETAIL), region(in));
    }

    private static CanonicalWriter write(CanonicalWriter out, RemoteRegion region) {
        return out.i32(region.id()).i64(region.key()).i64(region.bytes());
    }

    private static RemoteRegion region(CanonicalReader in) throws MalformedException {
        return new RemoteRegion(in.i32("region"), in.i64("key"), in.i64("bytes"));
    }
}
