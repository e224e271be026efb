// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

import java.util.Locale;

/** The setting {@code warmup.mode}, in lower case there. All ranks of a group must have the same. */
public enum WarmupMode {
    /** Short-circuits links over a fabric that is proven at both ends, and exchanges otherwise. The default. */
    AUTO,
    /** Always exchanges. */
    EXCHANGE,
    /** Connects at once without any test; the proof is {@code none}. */
    SKIP,
    /** Exchanges in GPU memory, and refuses a link where that is not possible. */
    FABRIC;

    /** @throws MusterException of kind CONFIG if there is no such mode */
    public static WarmupMode parse(String text) {
        return switch (text) {
            case "auto" -> AUTO;
            case "exchange" -> EXCHANGE;
            case "skip" -> SKIP;
            case "fabric" -> FABRIC;
            default ->
                throw MusterException.config("warmup.mode must be auto, exchange, skip or fabric, got '" + text + "'");
        };
    }

    /** As it is written in settings. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
