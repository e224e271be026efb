// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import org.jspecify.annotations.Nullable;

/**
 * The shape of everything on the wire: a length (of the bytes that follow it), a type, a body. The type numbers are
 * part of the protocol: append only.
 */
final class Frame {
    static final byte HELLO = 1;
    static final byte REFUSE = 2;
    static final byte PROBE = 3;
    static final byte PROBE_OK = 4;
    static final byte CONTROL = 5;
    static final byte ASK = 6;
    static final byte ANSWER = 7;
    static final byte BYE = 8;
    static final byte WRITE = 9;
    static final byte ACK = 10;
    static final byte FILL = 11;
    static final byte CANCEL = 12;

    /** Bytes before the body. */
    static final int HEAD_BYTES = 5;

    private Frame() {}

    /** Starts a frame with a body of this many bytes. */
    static ByteBuf head(ByteBuf out, byte type, int bodyBytes) {
        return out.writeInt(1 + bodyBytes).writeByte(type);
    }

    /** Receives the frames that a {@link Reader} has cut. */
    @FunctionalInterface
    interface Sink {
        /**
         * @param body valid during the call only
         * @return false to stop: the bytes behind this frame stay available through {@link Reader#rest}
         */
        boolean frame(byte type, ByteBuf body);
    }

    /**
     * Cuts a stream into whole frames of bounded length. Holds at most one incomplete frame and the bytes that arrived
     * with it. For one event loop.
     */
    static final class Reader {
        private final int maxFrameBytes;
        private ByteBuf pending = Unpooled.EMPTY_BUFFER;
        private @Nullable ByteBuf reading;
        private long taken;

        Reader(int maxFrameBytes) {
            this.maxFrameBytes = maxFrameBytes;
        }

        /**
         * @param in consumed and released
         * @return null if the stream is valid so far; otherwise a clause that says what is wrong with it, and the
         *     stream must not be read further
         */
        @Nullable
        String feed(ByteBuf in, Sink sink) {
            boolean owned = pending.isReadable();
            ByteBuf stream = append(in);
            pending = Unpooled.EMPTY_BUFFER;
            reading = stream;
            try {
                return cut(stream, sink);
            } finally {
                reading = null;
                pending = keep(stream, owned);
            }
        }

        /** Number of frames that were passed to the sink. */
        long taken() {
            return taken;
        }

        /**
         * The bytes behind the last frame that the sink took. May be called from within the sink. The caller releases
         * the buffer.
         */
        ByteBuf rest() {
            if (reading != null) {
                return reading.readRetainedSlice(reading.readableBytes());
            }
            ByteBuf rest = pending;
            pending = Unpooled.EMPTY_BUFFER;
            return rest;
        }

        private @Nullable String cut(ByteBuf stream, Sink sink) {
            while (stream.readableBytes() >= HEAD_BYTES) {
                int length = stream.getInt(stream.readerIndex());
                if (length < 1 || length > maxFrameBytes) {
                    return "a frame of " + Integer.toUnsignedLong(length) + " bytes, at most " + maxFrameBytes
                            + " are accepted";
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

        /** @param owned whether the buffer is a copy of this reader, which may be kept without another copy */
        private static ByteBuf keep(ByteBuf stream, boolean owned) {
            if (!stream.isReadable()) {
                stream.release();
                return Unpooled.EMPTY_BUFFER;
            }
            if (owned) {
                return stream.discardReadBytes();
            }
            ByteBuf copy = Unpooled.buffer(Math.max(64, stream.readableBytes()));
            copy.writeBytes(stream);
            stream.release();
            return copy;
        }
    }
}
