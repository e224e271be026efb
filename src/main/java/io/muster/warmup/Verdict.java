// SPDX-License-Identifier: Apache-2.0

package io.muster.warmup;

/**
 * What only one end can observe: whether it could import, and touch, what the other has exported for the plan's first
 * way.
 *
 * @param importable true also where the way needs no import
 * @param reason why, or why not
 */
public record Verdict(boolean importable, String reason) {

    public static Verdict yes(String reason) {
        return new Verdict(true, reason);
    }

    public static Verdict no(String reason) {
        return new Verdict(false, reason);
    }
}
