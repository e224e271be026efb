// SPDX-License-Identifier: Apache-2.0

package io.muster.warmup;

/**
 * The result of an import, which only one end can observe.
 *
 * @param importable true if this end has imported and touched the memory that the peer exported
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
