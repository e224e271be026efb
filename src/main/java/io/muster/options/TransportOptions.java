// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import java.time.Duration;

/**
 * The connections between two processes, and their limits.
 *
 * @param helloTimeoutMs how long a new connection may take to identify itself
 * @param maxFrameBytes largest frame after the hello
 * @param writeTimeoutMs how long a remote write may take to be applied
 * @param maxUnauthenticatedConnections connections that have not identified themselves yet, at once
 */
public record TransportOptions(
        int helloTimeoutMs, int maxFrameBytes, int writeTimeoutMs, int maxUnauthenticatedConnections) {
    private static final int LEAST_MAX_FRAME_BYTES = 128 << 10;

    public static final TransportOptions DEFAULTS = new TransportOptions(3000, 1 << 20, 30_000, 256);

    public TransportOptions {
        Mistakes mistakes = new Mistakes("transport");
        mistakes.range("helloTimeoutMs", helloTimeoutMs, 10, 600_000, "ms");
        mistakes.range("maxFrameBytes", maxFrameBytes, LEAST_MAX_FRAME_BYTES, 1 << 26, "bytes");
        mistakes.range("writeTimeoutMs", writeTimeoutMs, 10, 3_600_000, "ms");
        mistakes.range("maxUnauthenticatedConnections", maxUnauthenticatedConnections, 1, 65_536, "connections");
        mistakes.throwIfAny();
    }

    public TransportOptions withHelloTimeout(Duration helloTimeout) {
        return new TransportOptions(
                Durations.inMillis(helloTimeout), maxFrameBytes, writeTimeoutMs, maxUnauthenticatedConnections);
    }

    public TransportOptions withMaxFrameBytes(int maxFrameBytes) {
        return new TransportOptions(helloTimeoutMs, maxFrameBytes, writeTimeoutMs, maxUnauthenticatedConnections);
    }

    public TransportOptions withWriteTimeout(Duration writeTimeout) {
        return new TransportOptions(
                helloTimeoutMs, maxFrameBytes, Durations.inMillis(writeTimeout), maxUnauthenticatedConnections);
    }

    public TransportOptions withMaxUnauthenticatedConnections(int maxUnauthenticatedConnections) {
        return new TransportOptions(helloTimeoutMs, maxFrameBytes, writeTimeoutMs, maxUnauthenticatedConnections);
    }
}
