// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import java.util.Locale;

/**
 * Which links exchange first bytes, and which are short-circuited.
 *
 * @param mode the rule
 * @param fabric the simulated fabric of this process as CLUSTERUUID/CLIQUE, empty: none
 */
public record WarmupOptions(Mode mode, String fabric) {
    /** The rules; in settings they are written in lower case. */
    public enum Mode {
        /** Short-circuit where a shared fabric is proven, exchange otherwise. */
        AUTO,
        /** Always exchange. */
        EXCHANGE,
        /** CONNECTED at once, proof none. */
        SKIP,
        /** Exchange in the memory of GPUs, and nothing else. */
        FABRIC;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    static final WarmupOptions DEFAULTS = new WarmupOptions(Mode.AUTO, "");

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
}
