// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

/**
 * Opening, warming up and closing links.
 *
 * @param open the handshake of a link
 * @param warmup the first bytes over a link
 * @param backoff the pauses of the side that tries again
 * @param refused peers that refused for good
 * @param maxSimultaneousDials connection attempts of this process that may be under way at once
 * @param close leaving
 */
public record PeerOptions(
        Open open, Warmup warmup, Backoff backoff, Refused refused, int maxSimultaneousDials, Close close) {
    private static final int LONGEST_MS = 600_000;

    static final PeerOptions DEFAULTS = new PeerOptions(
            new Open(5000), new Warmup(5000), new Backoff(8, 1024, 0.5), new Refused(10_000), 64, new Close(2000));

    public PeerOptions {
        Mistakes mistakes = new Mistakes("peer");
        mistakes.range("maxSimultaneousDials", maxSimultaneousDials, 1, 65_536, "dials");
        mistakes.throwIfAny();
    }

    /** @param timeoutMs from the dial to accept or refusal */
    public record Open(int timeoutMs) {
        public Open {
            Mistakes mistakes = new Mistakes("peer.open");
            mistakes.range("timeoutMs", timeoutMs, 10, LONGEST_MS, "ms");
            mistakes.throwIfAny();
        }
    }

    /** @param timeoutMs from accept until both directions are proven */
    public record Warmup(int timeoutMs) {
        public Warmup {
            Mistakes mistakes = new Mistakes("peer.warmup");
            mistakes.range("timeoutMs", timeoutMs, 10, LONGEST_MS, "ms");
            mistakes.throwIfAny();
        }
    }

    /**
     * @param initialMs pause after the first failure, doubled each time
     * @param maxMs longest pause
     * @param jitter share of a pause that is random, 0 to 1
     */
    public record Backoff(int initialMs, int maxMs, double jitter) {
        public Backoff {
            Mistakes mistakes = new Mistakes("peer.backoff");
            mistakes.range("initialMs", initialMs, 1, LONGEST_MS, "ms");
            mistakes.range("maxMs", maxMs, 1, LONGEST_MS, "ms");
            mistakes.fraction("jitter", jitter);
            if (initialMs > maxMs) {
                mistakes.add("maxMs", "must be at least peer.backoff.initialMs (" + initialMs + "), got " + maxMs);
            }
            mistakes.throwIfAny();
        }
    }

    /** @param probeMs pause between attempts at a peer that refused for good */
    public record Refused(int probeMs) {
        public Refused {
            Mistakes mistakes = new Mistakes("peer.refused");
            mistakes.range("probeMs", probeMs, 100, 3_600_000, "ms");
            mistakes.throwIfAny();
        }
    }

    /** @param timeoutMs how long closing waits for transfers that are under way */
    public record Close(int timeoutMs) {
        public Close {
            Mistakes mistakes = new Mistakes("peer.close");
            mistakes.range("timeoutMs", timeoutMs, 0, LONGEST_MS, "ms");
            mistakes.throwIfAny();
        }
    }
}
