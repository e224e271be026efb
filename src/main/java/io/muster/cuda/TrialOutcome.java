// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.driver.CudaFailure;
import io.muster.cuda.driver.ShareKind;
import java.util.List;

/** The result of a trial of one {@link ShareKind} on one device: exactly one of these. */
public sealed interface TrialOutcome {

    record NotTried(String reason) implements TrialOutcome {}

    /** A call failed; all objects opened before it are closed. */
    record Failed(CudaFailure failure) implements TrialOutcome {}

    /** All calls succeeded, but one mapping returned other bytes than were written through the other. */
    record WrongBytes(String what) implements TrialOutcome {}

    /** Allocated and exported; not imported. */
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

    /** Duration of one step. */
    record StepTime(String step, long micros) {}
}
