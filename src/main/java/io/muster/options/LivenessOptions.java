// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import java.time.Duration;

/**
 * The small request and answer of each process pair.
 *
 * @param intervalMs pause between requests
 * @param misses answers that may be missing in a row before the process counts as lost
 */
public record LivenessOptions(int intervalMs, int misses) {
    /** A pause for garbage collection must not count as a loss. */
    private static final int SHORTEST_LIMIT_MS = 100;

    static final LivenessOptions DEFAULTS = new LivenessOptions(1000, 3);

    public LivenessOptions {
        Mistakes mistakes = new Mistakes("liveness");
        mistakes.range("intervalMs", intervalMs, 10, 600_000, "ms");
        mistakes.range("misses", misses, 1, 100, "requests");
        if (intervalMs >= 10 && misses >= 1 && (long) intervalMs * misses < SHORTEST_LIMIT_MS) {
            mistakes.add(
                    "intervalMs",
                    "times liveness.misses must be at least " + SHORTEST_LIMIT_MS
                            + " ms, or a garbage collection counts as a loss; got "
                            + intervalMs + " × " + misses);
        }
        mistakes.throwIfAny();
    }

    /** The longest silence of a process that is not yet a loss. */
    public long limitMs() {
        return (long) intervalMs * misses;
    }

    public LivenessOptions withInterval(Duration interval) {
        return new LivenessOptions(Durations.inMillis(interval), misses);
    }

    public LivenessOptions withMisses(int misses) {
        return new LivenessOptions(intervalMs, misses);
    }
}
