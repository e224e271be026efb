// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.netty.buffer.ByteBuf;

/**
 * The shape of everything on the wire: length (of what follows it), type, body. The types are the wire's: append only.
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

    /** Bytes before the body. */
    static final int HEAD_BYTES = 5;

    private Frame() {}

    /** Starts a frame whose body has this many bytes. */
    static ByteBuf head(ByteBuf out, byte type, int bodyBytes) {
        return out.writeInt(1 + bodyBytes).writeByte(type);
    }
}
