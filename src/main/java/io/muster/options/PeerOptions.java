// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import java.time.Duration;

/**
 * Opening, warming up and closing links.
 *
 * @param open the handshake of a link
 * @param warmup the first bytes over a link
 * @param backoff the pauses of the side that tries again
 * @param maxSimultaneousDials connection attempts of this process that may be under way at once
 * @param close leaving
 */
public record PeerOptions(Open open, Warmup warmup, Backoff backoff, int maxSimultaneousDials, Close close) {
    /** Ten minutes. A greater number is a mistake in the unit. */
    private static final int LONGEST_MS = 600_000;

    private static final int LONGEST_PAUSES_AFTER_REFUSAL = 10;
    private static final int POLICY_ANSWERS_WITHIN_OPEN = 5;

    static final PeerOptions DEFAULTS =
            new PeerOptions(new Open(5000), new Warmup(5000), new Backoff(1024), 64, new Close(2000));

    public PeerOptions {
        Mistakes mistakes = new Mistakes("peer");
        mistakes.range("maxSimultaneousDials", maxSimultaneousDials, 1, 65_536, "dials");
        mistakes.throwIfAny();
    }

    /** Pause between attempts at a peer that refused for good. */
    public int refusedProbeMs() {
        return LONGEST_PAUSES_AFTER_REFUSAL * backoff.maxMs();
    }

    /**
     * How long a WarmupPolicy may take to answer before the default answers for it: the link that waits for it has to
     * be opened in time.
     */
    public int policyTimeoutMs() {
        return Math.max(1, open.timeoutMs() / POLICY_ANSWERS_WITHIN_OPEN);
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

    /** @param maxMs longest pause */
    public record Backoff(int maxMs) {
        private static final int DOUBLINGS = 7;

        public Backoff {
            Mistakes mistakes = new Mistakes("peer.backoff");
            mistakes.range("maxMs", maxMs, 1, LONGEST_MS, "ms");
            mistakes.throwIfAny();
        }

        /** Pause after the first failure; it doubles with each further one. */
        public int initialMs() {
            return Math.max(1, maxMs >> DOUBLINGS);
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

    public PeerOptions withOpenTimeout(Duration timeout) {
        return new PeerOptions(new Open(Durations.inMillis(timeout)), warmup, backoff, maxSimultaneousDials, close);
    }

    public PeerOptions withWarmupTimeout(Duration timeout) {
        return new PeerOptions(open, new Warmup(Durations.inMillis(timeout)), backoff, maxSimultaneousDials, close);
    }

    public PeerOptions withBackoffMax(Duration max) {
        return new PeerOptions(open, warmup, new Backoff(Durations.inMillis(max)), maxSimultaneousDials, close);
    }

    public PeerOptions withCloseTimeout(Duration timeout) {
        return new PeerOptions(open, warmup, backoff, maxSimultaneousDials, new Close(Durations.inMillis(timeout)));
    }

    public PeerOptions withMaxSimultaneousDials(int maxSimultaneousDials) {
        return new PeerOptions(open, warmup, backoff, maxSimultaneousDials, close);
    }
}
