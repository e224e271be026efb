// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import java.time.Duration;

/**
 * The connections between two processes, and their limits.
 *
 * @param helloTimeoutMs how long a new connection may take to identify itself
 * @param maxFrameBytes largest frame after the hello
 * @param writeTimeoutMs how long a remote write may wait without any progress
 * @param keepaliveMs how long a connection may be idle until a small frame is sent over it
 * @param maxUnauthenticatedConnections connections that have not identified themselves yet, at once
 */
public record TransportOptions(
        int helloTimeoutMs, int maxFrameBytes, int writeTimeoutMs, int keepaliveMs, int maxUnauthenticatedConnections) {
    private static final int LEAST_MAX_FRAME_BYTES = 128 << 10;

    public static final TransportOptions DEFAULTS = new TransportOptions(3000, 1 << 20, 30_000, 20_000, 256);

    public TransportOptions {
        Mistakes mistakes = new Mistakes("transport");
        mistakes.range("helloTimeoutMs", helloTimeoutMs, 10, 600_000, "ms");
        mistakes.range("maxFrameBytes", maxFrameBytes, LEAST_MAX_FRAME_BYTES, 1 << 26, "bytes");
        mistakes.range("writeTimeoutMs", writeTimeoutMs, 10, 3_600_000, "ms");
        mistakes.range("keepaliveMs", keepaliveMs, 100, 3_600_000, "ms");
        mistakes.range("maxUnauthenticatedConnections", maxUnauthenticatedConnections, 1, 65_536, "connections");
        mistakes.throwIfAny();
    }

    public TransportOptions withHelloTimeout(Duration helloTimeout) {
        return new TransportOptions(
                Durations.inMillis(helloTimeout),
                maxFrameBytes,
                writeTimeoutMs,
                keepaliveMs,
                maxUnauthenticatedConnections);
    }

    public TransportOptions withMaxFrameBytes(int maxFrameBytes) {
        return new TransportOptions(
                helloTimeoutMs, maxFrameBytes, writeTimeoutMs, keepaliveMs, maxUnauthenticatedConnections);
    }

    public TransportOptions withWriteTimeout(Duration writeTimeout) {
        return new TransportOptions(
                helloTimeoutMs,
                maxFrameBytes,
                Durations.inMillis(writeTimeout),
                keepaliveMs,
                maxUnauthenticatedConnections);
    }

    public TransportOptions withKeepalive(Duration keepalive) {
        return new TransportOptions(
                helloTimeoutMs,
                maxFrameBytes,
                writeTimeoutMs,
                Durations.inMillis(keepalive),
                maxUnauthenticatedConnections);
    }

    public TransportOptions withMaxUnauthenticatedConnections(int maxUnauthenticatedConnections) {
        return new TransportOptions(
                helloTimeoutMs, maxFrameBytes, writeTimeoutMs, keepaliveMs, maxUnauthenticatedConnections);
    }
}
