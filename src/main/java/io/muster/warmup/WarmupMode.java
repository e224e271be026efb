// SPDX-License-Identifier: Apache-2.0

package io.muster.warmup;

import io.muster.group.MusterException;
import java.util.Locale;

/** The setting {@code warmup.mode}, the same for all ranks of a group. */
public enum WarmupMode {
    /** Short-circuit over a fabric that is proven on both sides, else exchange. The default. */
    AUTO,
    /** Always exchange. */
    EXCHANGE,
    /** Connected at once, with nothing tried: what the original does when it believes in a fabric. */
    SKIP,
    /** Exchange in the memory of GPUs, and nothing else. */
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

    /** As it is written in a configuration. */
    public String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    @Override
    public String toString() {
        return text();
    }
}
