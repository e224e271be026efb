// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.TrialOutcome.StepTime;
import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.DriverCall;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** Measures the duration of consecutive steps. */
public final class StepClock {
    private final LongSupplier nanoTime;
    private final List<StepTime> steps = new ArrayList<>();

    public StepClock(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    <T> T time(String step, DriverCall<T> timed) throws CudaCallException {
        long start = nanoTime.getAsLong();
        T result = timed.run();
        steps.add(new StepTime(step, TimeUnit.NANOSECONDS.toMicros(nanoTime.getAsLong() - start)));
        return result;
    }

    public List<StepTime> steps() {
        return steps;
    }
}
