// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import java.time.Duration;

/**
 * The status picture.
 *
 * @param nodeTimeoutMs how long each node has to answer before the picture says "no answer from"
 */
public record StatusOptions(int nodeTimeoutMs) {
    static final StatusOptions DEFAULTS = new StatusOptions(1000);

    public StatusOptions {
        Mistakes mistakes = new Mistakes("status");
        mistakes.range("nodeTimeoutMs", nodeTimeoutMs, 10, 60_000, "ms");
        mistakes.throwIfAny();
    }

    public StatusOptions withNodeTimeout(Duration nodeTimeout) {
        return new StatusOptions(Durations.inMillis(nodeTimeout));
    }
}
