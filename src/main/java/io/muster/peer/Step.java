// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import java.util.List;

/**
 * One transition.
 *
 * @param reason why it happened, in one sentence, as it is published; empty if nothing visible changed
 */
public record Step(LinkState next, List<LinkEffect> effects, String reason) {
    public Step {
        effects = List.copyOf(effects);
    }
}
