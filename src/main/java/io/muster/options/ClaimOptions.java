// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

/**
 * Two processes that want the same rank.
 *
 * @param livenessMs how long a claimant waits for the incumbent to answer before it takes the rank
 */
public record ClaimOptions(int livenessMs) {
    static final ClaimOptions DEFAULTS = new ClaimOptions(3000);

    public ClaimOptions {
        Mistakes mistakes = new Mistakes("claim");
        mistakes.range("livenessMs", livenessMs, 100, 600_000, "ms");
        mistakes.throwIfAny();
    }
}
