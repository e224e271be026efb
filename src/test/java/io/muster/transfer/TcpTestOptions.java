// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

import io.muster.transfer.tcp.TcpOptions;

/** The default settings of the transport on the loopback address, with one that differs. */
public final class TcpTestOptions {
    private static final TcpOptions USUAL = TcpOptions.defaults("127.0.0.1");

    private TcpTestOptions() {}

    public static TcpOptions port(int port) {
        return of(
                port,
                USUAL.helloTimeoutMs(),
                USUAL.livenessIntervalMs(),
                USUAL.livenessMisses(),
                USUAL.writeTimeoutMs());
    }

    public static TcpOptions helloTimeoutMs(int ms) {
        return of(0, ms, USUAL.livenessIntervalMs(), USUAL.livenessMisses(), USUAL.writeTimeoutMs());
    }

    public static TcpOptions liveness(int intervalMs, int misses) {
        return of(0, USUAL.helloTimeoutMs(), intervalMs, misses, USUAL.writeTimeoutMs());
    }

    public static TcpOptions writeTimeoutMs(int ms) {
        return of(0, USUAL.helloTimeoutMs(), USUAL.livenessIntervalMs(), USUAL.livenessMisses(), ms);
    }

    /** Liveness requests that come often, and the time after which an idle connection or a write is doubted. */
    public static TcpOptions idle(int keepaliveMs, int writeTimeoutMs) {
        return of(0, USUAL.helloTimeoutMs(), 100, 100, writeTimeoutMs, keepaliveMs);
    }

    private static TcpOptions of(
            int port, int helloTimeoutMs, int livenessIntervalMs, int livenessMisses, int writeTimeoutMs) {
        return of(port, helloTimeoutMs, livenessIntervalMs, livenessMisses, writeTimeoutMs, USUAL.keepaliveMs());
    }

    private static TcpOptions of(
            int port,
            int helloTimeoutMs,
            int livenessIntervalMs,
            int livenessMisses,
            int writeTimeoutMs,
            int keepaliveMs) {
        return new TcpOptions(
                USUAL.bindHost(),
                port,
                USUAL.advertisedHost(),
                helloTimeoutMs,
                livenessIntervalMs,
                livenessMisses,
                USUAL.maxFrameBytes(),
                writeTimeoutMs,
                keepaliveMs,
                USUAL.maxUnauthenticatedConnections(),
                USUAL.maxSimultaneousDials());
    }
}
