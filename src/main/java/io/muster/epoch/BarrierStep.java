// SPDX-License-Identifier: Apache-2.0

package io.muster.epoch;

import java.util.List;

/** The result of one transition: the next state, and the effects in the order in which they are to run. */
public record BarrierStep(BarrierState next, List<BarrierEffect> effects) {
    public BarrierStep {
        effects = List.copyOf(effects);
    }

    /** Whether a rank of this process marks an epoch in this step. */
    public boolean makesMark() {
        return effects.stream().anyMatch(effect -> effect instanceof BarrierEffect.SendMark mark && !mark.again());
    }
}
