// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.driver.CudaFailure;
import io.muster.cuda.driver.ShareKind;
import java.util.List;

/** How far a device came with memory of one {@link ShareKind}: exactly one of these. */
public sealed interface TrialOutcome {

    record NotTried(String reason) implements TrialOutcome {}

    /** The first call that failed; everything that was opened before it is closed. */
    record Failed(CudaFailure failure) implements TrialOutcome {}

    /** All calls succeeded, but what was written through one mapping was not read through the other. */
    record WrongBytes(String what) implements TrialOutcome {}

    /** Allocated and exported; nobody has imported it. */
    record Exported(List<StepTime> steps) implements TrialOutcome {
        public Exported {
            steps = List.copyOf(steps);
        }
    }

    /** Allocated, exported, imported back, mapped twice, written through each mapping and read through the other. */
    record Touched(List<StepTime> steps) implements TrialOutcome {
        public Touched {
            steps = List.copyOf(steps);
        }
    }

    /** How long one step took. */
    record StepTime(String step, long micros) {}
}
