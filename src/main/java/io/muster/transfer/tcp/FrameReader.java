// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a stream into whole frames of bounded length. Holds at most one incomplete frame and what came with it. For one
 * event loop.
 */
final class FrameReader {
    /** Takes frames. */
    @FunctionalInterface
    interface Sink {
        /**
         * @param body valid during the call only
         * @return false to take no more: the rest stays for {@link FrameReader#rest}
         */
        boolean frame(byte type, ByteBuf body);
    }

    private final int maxFrameBytes;
    private ByteBuf pending = Unpooled.EMPTY_BUFFER;
    private @Nullable ByteBuf reading;
    private long taken;

    FrameReader(int maxFrameBytes) {
        this.maxFrameBytes = maxFrameBytes;
    }

    /**
     * @param in is consumed and released
     * @return what is wrong with the stream, after which it must not be read further; null if nothing
     */
    @Nullable
    String feed(ByteBuf in, Sink sink) {
        boolean ours = pending.isReadable();
        ByteBuf stream = append(in);
        pending = Unpooled.EMPTY_BUFFER;
        reading = stream;
        try {
            return cut(stream, sink);
        } finally {
            reading = null;
            pending = keep(stream, ours);
        }
    }

    /** Frames so far. */
    long taken() {
        return taken;
    }

    /** What arrived after the last frame that was taken, also from within the sink; the caller releases it. */
    ByteBuf rest() {
        if (reading != null) {
            return reading.readRetainedSlice(reading.readableBytes());
        }
        ByteBuf rest = pending;
        pending = Unpooled.EMPTY_BUFFER;
        return rest;
    }

    private @Nullable String cut(ByteBuf stream, Sink sink) {
        while (stream.readableBytes() >= Frame.HEAD_BYTES) {
            int length = stream.getInt(stream.readerIndex());
            if (length < 1 || length > maxFrameBytes) {
                return "a frame of " + Integer.toUnsignedLong(length) + " bytes, at most " + maxFrameBytes
                        + " are taken";
            }
            if (stream.readableBytes() < 4 + length) {
                return null;
            }
            stream.skipBytes(4);
            byte type = stream.readByte();
            taken++;
            if (!sink.frame(type, stream.readSlice(length - 1))) {
                return null;
            }
        }
        return null;
    }

    private ByteBuf append(ByteBuf in) {
        if (!pending.isReadable()) {
            return in;
        }
        ByteBuf joined = pending;
        try {
            joined.writeBytes(in);
        } finally {
            in.release();
        }
        return joined;
    }

    private static ByteBuf keep(ByteBuf stream, boolean ours) {
        if (!stream.isReadable()) {
            stream.release();
            return Unpooled.EMPTY_BUFFER;
        }
        if (ours) {
            return stream.discardReadBytes();
        }
        ByteBuf copy = Unpooled.buffer(Math.max(64, stream.readableBytes()));
        copy.writeBytes(stream);
        stream.release();
        return copy;
    }
}
