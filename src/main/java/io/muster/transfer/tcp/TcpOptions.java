// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.transfer.Channel;
import java.util.ArrayList;
import java.util.List;

/**
 * Settings of the {@code tcp} transport.
 *
 * @param bindHost the only address to listen on (S-4)
 * @param port the port to listen on; 0 selects any free one
 * @param advertisedHost the published address, which other processes dial
 * @param helloTimeoutMs from the start of a dial, or from accepting a socket, to a verified channel
 * @param livenessIntervalMs the period of the liveness requests of each end
 * @param livenessMisses intervals without a byte on the control connection after which the channel is lost
 * @param maxFrameBytes the longest frame that is accepted after the hello
 * @param writeTimeoutMs how long a {@link Channel#write} may wait for its acknowledgement while nothing of it arrives
 * @param keepaliveMs how long a connection may be idle until a small frame is sent over it
 * @param maxUnauthenticatedConnections accepted sockets without a hello; beyond that, the oldest is dropped
 * @param maxSimultaneousDials dials under way; further ones are queued
 */
public record TcpOptions(
        String bindHost,
        int port,
        String advertisedHost,
        int helloTimeoutMs,
        int livenessIntervalMs,
        int livenessMisses,
        int maxFrameBytes,
        int writeTimeoutMs,
        int keepaliveMs,
        int maxUnauthenticatedConnections,
        int maxSimultaneousDials) {

    /** The smallest limit that a process may have: a path probe must fit. */
    static final int LEAST_MAX_FRAME_BYTES = 128 * 1024;

    /** The longest frame that is accepted as hello: bounds the memory that a stranger can make this process hold. */
    static final int MAX_HELLO_BYTES = 4_096;

    private static final int CHUNKS_IN_A_FRAME = 4;
    private static final int LARGEST_MAX_FRAME_BYTES = 64 * 1024 * 1024;

    public TcpOptions {
        List<String> mistakes = new ArrayList<>();
        within(mistakes, "port", port, 0, 65_535);
        within(mistakes, "helloTimeoutMs", helloTimeoutMs, 10, 600_000);
        within(mistakes, "livenessIntervalMs", livenessIntervalMs, 10, 600_000);
        within(mistakes, "livenessMisses", livenessMisses, 1, 1_000);
        within(mistakes, "maxFrameBytes", maxFrameBytes, LEAST_MAX_FRAME_BYTES, LARGEST_MAX_FRAME_BYTES);
        within(mistakes, "writeTimeoutMs", writeTimeoutMs, 10, 3_600_000);
        within(mistakes, "keepaliveMs", keepaliveMs, 100, 3_600_000);
        within(mistakes, "maxUnauthenticatedConnections", maxUnauthenticatedConnections, 2, 65_536);
        within(mistakes, "maxSimultaneousDials", maxSimultaneousDials, 1, 65_536);
        if (bindHost.isBlank()) {
            mistakes.add("bindHost is empty");
        }
        if (advertisedHost.isBlank() || advertisedHost.length() > 255) {
            mistakes.add("advertisedHost has " + advertisedHost.length() + " characters, not 1..255");
        }
        if (!mistakes.isEmpty()) {
            throw new IllegalArgumentException(String.join("; ", mistakes));
        }
    }

    public static TcpOptions defaults(String bindHost) {
        return new TcpOptions(bindHost, 0, bindHost, 3_000, 1_000, 3, 1024 * 1024, 30_000, 20_000, 256, 64);
    }

    /**
     * A longer write is sent in chunks of this size, which alternate with chunks of other writes. Chunks of a whole
     * frame would occupy an event loop for longer.
     */
    int chunkBytes() {
        return maxFrameBytes / CHUNKS_IN_A_FRAME;
    }

    private static void within(List<String> mistakes, String name, int value, int least, int most) {
        if (value < least || value > most) {
            mistakes.add(name + " is " + value + ", not in " + least + ".." + most);
        }
    }
}
