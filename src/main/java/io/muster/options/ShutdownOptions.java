// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import java.time.Duration;

/**
 * The end of a process in order.
 *
 * @param timeoutMs limit of everything that closing does: leaving the groups, closing the connections, and in a process
 *     that the launcher has started also closing Vert.x and leaving the cluster
 */
public record ShutdownOptions(int timeoutMs) {
    static final ShutdownOptions DEFAULTS = new ShutdownOptions(8000);

    public ShutdownOptions {
        Mistakes mistakes = new Mistakes("shutdown");
        mistakes.range("timeoutMs", timeoutMs, 100, 600_000, "ms");
        mistakes.throwIfAny();
    }

    public ShutdownOptions withTimeout(Duration timeout) {
        return new ShutdownOptions(Durations.inMillis(timeout));
    }
}
