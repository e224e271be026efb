// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import io.muster.group.WarmupMode;

/**
 * Which links exchange first bytes, and which are short-circuited.
 *
 * @param mode the rule
 * @param fabric the simulated fabric of this process as CLUSTERUUID/CLIQUE, empty: none
 */
public record WarmupOptions(WarmupMode mode, String fabric) {
    static final WarmupOptions DEFAULTS = new WarmupOptions(WarmupMode.AUTO, "");

    public WarmupOptions {
        Mistakes mistakes = new Mistakes("warmup");
        if (!fabric.isEmpty()) {
            mistakes.pattern(
                    "fabric",
                    fabric,
                    "[A-Za-z0-9-]{1,36}/[0-9]{1,10}",
                    "CLUSTERUUID/CLIQUE, the clique a number, or empty");
        }
        mistakes.throwIfAny();
    }

    public WarmupOptions withMode(WarmupMode mode) {
        return new WarmupOptions(mode, fabric);
    }

    public WarmupOptions withFabric(String fabric) {
        return new WarmupOptions(mode, fabric);
    }
}
