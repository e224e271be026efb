// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

/**
 * The connections between two processes, and their limits.
 *
 * @param helloTimeoutMs how long a new connection may take to say who it is
 * @param maxFrameBytes largest frame after the hello
 * @param maxHelloBytes largest frame before it
 * @param chunkBytes largest piece of a write that goes out in one frame
 * @param writeTimeoutMs how long a remote write may take to be applied
 * @param maxUnauthenticatedConnections connections that have not said who they are, at once
 */
public record TransportOptions(
        int helloTimeoutMs,
        int maxFrameBytes,
        int maxHelloBytes,
        int chunkBytes,
        int writeTimeoutMs,
        int maxUnauthenticatedConnections) {
    private static final int FRAME_HEADER_BYTES = 256;

    public static final TransportOptions DEFAULTS = new TransportOptions(3000, 1 << 20, 4096, 1 << 18, 30_000, 256);

    public TransportOptions {
        Mistakes mistakes = new Mistakes("transport");
        mistakes.range("helloTimeoutMs", helloTimeoutMs, 10, 600_000, "ms");
        mistakes.range("maxFrameBytes", maxFrameBytes, 8192, 1 << 26, "bytes");
        mistakes.range("maxHelloBytes", maxHelloBytes, 512, 1 << 16, "bytes");
        mistakes.range("chunkBytes", chunkBytes, 4096, 1 << 26, "bytes");
        mistakes.range("writeTimeoutMs", writeTimeoutMs, 10, 3_600_000, "ms");
        mistakes.range("maxUnauthenticatedConnections", maxUnauthenticatedConnections, 1, 65_536, "connections");
        if (chunkBytes > maxFrameBytes - FRAME_HEADER_BYTES) {
            mistakes.add(
                    "chunkBytes",
                    "must leave " + FRAME_HEADER_BYTES + " bytes for the header in transport.maxFrameBytes ("
                            + maxFrameBytes + "), got " + chunkBytes);
        }
        if (maxHelloBytes > maxFrameBytes) {
            mistakes.add(
                    "maxHelloBytes",
                    "must be at most transport.maxFrameBytes (" + maxFrameBytes + "), got " + maxHelloBytes);
        }
        mistakes.throwIfAny();
    }
}
