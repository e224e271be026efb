// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import java.time.Duration;

/**
 * The status picture.
 *
 * @param nodeTimeoutMs how long each process has to answer before the picture says that it gave no answer
 * @param loopLimitMs an event loop that has not run for so long is reported, 0: never
 */
public record StatusOptions(int nodeTimeoutMs, int loopLimitMs) {
    static final StatusOptions DEFAULTS = new StatusOptions(1000, 2000);

    public StatusOptions {
        Mistakes mistakes = new Mistakes("status");
        mistakes.range("nodeTimeoutMs", nodeTimeoutMs, 10, 60_000, "ms");
        mistakes.range("loopLimitMs", loopLimitMs, 0, 600_000, "ms (0: never)");
        mistakes.throwIfAny();
    }

    public StatusOptions withNodeTimeout(Duration nodeTimeout) {
        return new StatusOptions(Durations.inMillis(nodeTimeout), loopLimitMs);
    }

    public StatusOptions withLoopLimit(Duration loopLimit) {
        return new StatusOptions(nodeTimeoutMs, Durations.inMillis(loopLimit));
    }
}
