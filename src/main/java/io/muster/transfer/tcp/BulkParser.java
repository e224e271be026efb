// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.WriteException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Reads the frames of a bulk connection. The bytes of writes are passed on as they arrive and never buffered;
 * everything else is short. Total: any bytes result in calls of the sink, or in a clause that says what is wrong. For
 * one event loop.
 */
public final class BulkParser {
    /** Receives the frames. A method that returns a clause instead of null ends the connection. */
    interface Sink {
        @Nullable
        String probe(ByteBuf body);

        @Nullable
        String probeOk();

        /** A chunk of a write begins. {@code bytes} bytes of {@link #payload} follow, then {@link #chunkEnd}. */
        @Nullable
        String chunk(ChunkHeader header, int bytes);

        /** Must consume exactly the readable bytes. */
        void payload(ByteBuf bytes);

        @Nullable
        String chunkEnd();

        /** @param status 0: applied; else 1 + the ordinal of a {@link WriteException.Reason} */
        @Nullable
        String ack(long request, int status, String detail);

        /** Bytes without a meaning: the peer wants to know whether they arrive. */
        void fill();

        /** The peer gave up a write of which it has sent a part. */
        void cancel(long request);
    }

    /**
     * @param length bytes of the whole write
     * @param position offset of this chunk within the write
     */
    public record ChunkHeader(long request, int region, long key, long offset, long length, long position) {
        static final int BYTES = 44;

        void encode(ByteBuf out, int bytes) {
            Frame.head(out, Frame.WRITE, BYTES + bytes);
            out.writeLong(request)
                    .writeInt(region)
                    .writeLong(key)
                    .writeLong(offset)
                    .writeLong(length)
                    .writeLong(position);
        }

        static ChunkHeader decode(ByteBuf in) {
            return new ChunkHeader(
                    in.readLong(), in.readInt(), in.readLong(), in.readLong(), in.readLong(), in.readLong());
        }
    }

    /** Longer than a packet on any common network: a jumbo frame of Ethernet has 9,000 bytes. */
    static final int PADDED_FILL_BYTES = 10_240;

    static final int CANCEL_BYTES = Frame.HEAD_BYTES + Long.BYTES;
    static final int MAX_DETAIL_BYTES = 256;
    private static final int MAX_ACK_BYTES = 1 + 9 + MAX_DETAIL_BYTES;

    private final int maxFrameBytes;
    private final Sink sink;
    private ByteBuf stash = Unpooled.buffer(64);
    private int payloadLeft;

    BulkParser(int maxFrameBytes, Sink sink) {
        this.maxFrameBytes = maxFrameBytes;
        this.sink = sink;
    }

    /**
     * @param in read to its end, not released
     * @return null if the stream is valid so far; otherwise a clause that says what is wrong with it, and nothing more
     *     must be fed
     */
    @Nullable
    String feed(ByteBuf in) {
        while (in.isReadable()) {
            String problem = payloadLeft > 0 ? payload(in) : stash.isReadable() ? gather(in) : direct(in);
            if (problem != null) {
                return problem;
            }
        }
        return null;
    }

    static void encodeAck(ByteBuf out, long request, int status, String detail) {
        byte[] text = detail.getBytes(StandardCharsets.UTF_8);
        int length = Math.min(text.length, MAX_DETAIL_BYTES);
        Frame.head(out, Frame.ACK, 9 + length);
        out.writeLong(request).writeByte(status).writeBytes(text, 0, length);
    }

    static ByteBuf encodeCancel(ByteBuf out, long request) {
        return Frame.head(out, Frame.CANCEL, Long.BYTES).writeLong(request);
    }

    static ByteBuf encodeFill(ByteBuf out, int bytes) {
        return Frame.head(out, Frame.FILL, bytes).writeZero(bytes);
    }

    private @Nullable String payload(ByteBuf in) {
        int bytes = Math.min(payloadLeft, in.readableBytes());
        sink.payload(in.readSlice(bytes));
        payloadLeft -= bytes;
        return payloadLeft == 0 ? sink.chunkEnd() : null;
    }

    /** The common case: the bytes that are handled together arrived in one buffer. */
    private @Nullable String direct(ByteBuf in) {
        if (in.readableBytes() >= Frame.HEAD_BYTES) {
            String problem = problem(in);
            if (problem != null) {
                return problem;
            }
            if (in.readableBytes() >= atOnce(in)) {
                return take(in);
            }
        }
        stash.writeBytes(in);
        return null;
    }

    private @Nullable String gather(ByteBuf in) {
        if (stash.readableBytes() < Frame.HEAD_BYTES) {
            stash.writeBytes(in, Math.min(Frame.HEAD_BYTES - stash.readableBytes(), in.readableBytes()));
            if (stash.readableBytes() < Frame.HEAD_BYTES) {
                return null;
            }
        }
        String problem = problem(stash);
        if (problem != null) {
            return problem;
        }
        int missing = atOnce(stash) - stash.readableBytes();
        stash.writeBytes(in, Math.min(missing, in.readableBytes()));
        if (stash.readableBytes() < atOnce(stash)) {
            return null;
        }
        problem = take(stash);
        stash = stash.capacity() > 1_024 ? Unpooled.buffer(64) : stash.clear();
        return problem;
    }

    private @Nullable String problem(ByteBuf at) {
        int length = at.getInt(at.readerIndex());
        byte type = at.getByte(at.readerIndex() + 4);
        boolean fits = switch (type) {
            case Frame.WRITE -> length > 1 + ChunkHeader.BYTES && length <= maxFrameBytes;
            case Frame.ACK -> length >= 1 + 9 && length <= MAX_ACK_BYTES;
            case Frame.PROBE -> length == 1 + PathProbe.BODY_BYTES;
            case Frame.PROBE_OK -> length == 1;
            case Frame.FILL -> length >= 1 && length <= 1 + PADDED_FILL_BYTES;
            case Frame.CANCEL -> length == 1 + Long.BYTES;
            default -> false;
        };
        return fits ? null : "a bulk frame of type " + type + " and " + Integer.toUnsignedLong(length) + " bytes";
    }

    /** Number of bytes that are handled together: the whole frame, or the header of a write. */
    private static int atOnce(ByteBuf at) {
        return at.getByte(at.readerIndex() + 4) == Frame.WRITE
                ? Frame.HEAD_BYTES + ChunkHeader.BYTES
                : 4 + at.getInt(at.readerIndex());
    }

    private @Nullable String take(ByteBuf in) {
        int length = in.readInt();
        return switch (in.readByte()) {
            case Frame.WRITE -> {
                payloadLeft = length - 1 - ChunkHeader.BYTES;
                yield sink.chunk(ChunkHeader.decode(in), payloadLeft);
            }
            case Frame.ACK ->
                sink.ack(
                        in.readLong(),
                        in.readUnsignedByte(),
                        in.readCharSequence(length - 10, StandardCharsets.UTF_8).toString());
            case Frame.PROBE -> sink.probe(in.readSlice(length - 1));
            case Frame.FILL -> {
                in.skipBytes(length - 1);
                sink.fill();
                yield null;
            }
            case Frame.CANCEL -> {
                sink.cancel(in.readLong());
                yield null;
            }
            default -> sink.probeOk();
        };
    }
}
