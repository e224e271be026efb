// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

/**
 * The Hazelcast member that is embedded when no instance is handed in.
 *
 * @param port member port, no auto increment: the others' member lists name it
 * @param heartbeatIntervalMs how often members show that they are there
 * @param maxNoHeartbeatMs silence after which a member is removed
 * @param mergeFirstDelayMs pause before a split is first looked for
 * @param mergeNextDelayMs pause between looks for a split
 * @param backupCount copies of each entry on other members
 */
public record HazelcastOptions(
        int port,
        int heartbeatIntervalMs,
        int maxNoHeartbeatMs,
        int mergeFirstDelayMs,
        int mergeNextDelayMs,
        int backupCount) {
    static final HazelcastOptions DEFAULTS = new HazelcastOptions(5701, 1000, 5000, 1000, 1000, 1);

    public HazelcastOptions {
        Mistakes mistakes = new Mistakes("hazelcast");
        mistakes.range("port", port, 0, 65_535, "port number (0: any)");
        mistakes.wholeSeconds("heartbeatIntervalMs", heartbeatIntervalMs, 1000, 60_000);
        mistakes.wholeSeconds("maxNoHeartbeatMs", maxNoHeartbeatMs, 2000, 600_000);
        mistakes.wholeSeconds("mergeFirstDelayMs", mergeFirstDelayMs, 1000, 3_600_000);
        mistakes.wholeSeconds("mergeNextDelayMs", mergeNextDelayMs, 1000, 3_600_000);
        mistakes.range("backupCount", backupCount, 0, 6, "copies");
        if (maxNoHeartbeatMs < 2L * heartbeatIntervalMs) {
            mistakes.add(
                    "maxNoHeartbeatMs",
                    "must be at least twice hazelcast.heartbeatIntervalMs (" + heartbeatIntervalMs + "), got "
                            + maxNoHeartbeatMs);
        }
        mistakes.throwIfAny();
    }
}
