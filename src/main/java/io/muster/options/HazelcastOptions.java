// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import java.time.Duration;

/**
 * The Hazelcast member that is embedded when no instance is handed in.
 *
 * @param port member port, no auto increment: the others' member lists name it
 * @param maxNoHeartbeatMs silence after which a member is removed
 * @param mergeDelayMs pause before a split is looked for, the first time and each time after
 */
public record HazelcastOptions(int port, int maxNoHeartbeatMs, int mergeDelayMs) {
    static final HazelcastOptions DEFAULTS = new HazelcastOptions(5701, 5000, 1000);

    private static final int HEARTBEATS_IN_SILENCE = 5;

    public HazelcastOptions {
        Mistakes mistakes = new Mistakes("hazelcast");
        mistakes.range("port", port, 0, 65_535, "port number (0: any)");
        mistakes.wholeSeconds("maxNoHeartbeatMs", maxNoHeartbeatMs, 2000, 600_000);
        mistakes.wholeSeconds("mergeDelayMs", mergeDelayMs, 1000, 3_600_000);
        mistakes.throwIfAny();
    }

    /**
     * How often a member shows that it is there, in whole seconds: five times within the silence after which it is
     * removed.
     */
    public int heartbeatIntervalSeconds() {
        return Math.max(1, maxNoHeartbeatMs / HEARTBEATS_IN_SILENCE / 1000);
    }

    public HazelcastOptions withPort(int port) {
        return new HazelcastOptions(port, maxNoHeartbeatMs, mergeDelayMs);
    }

    public HazelcastOptions withMaxNoHeartbeat(Duration maxNoHeartbeat) {
        return new HazelcastOptions(port, Durations.inMillis(maxNoHeartbeat), mergeDelayMs);
    }

    public HazelcastOptions withMergeDelay(Duration mergeDelay) {
        return new HazelcastOptions(port, maxNoHeartbeatMs, Durations.inMillis(mergeDelay));
    }
}
