// SPDX-License-Identifier: Apache-2.0

package io.muster.gpucheck;

import io.muster.cuda.CudaProbe;
import io.muster.cuda.SharingTrial;
import io.muster.cuda.StepClock;
import io.muster.cuda.TrialOutcome.StepTime;
import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.CudaMemoryDriver;
import io.muster.cuda.driver.ForeignLoading;
import io.muster.cuda.driver.ForeignMemoryDriver;
import io.muster.cuda.driver.ShareKind;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Repeats the full cycle of shared memory, from allocation to close, and compares the usage before and after. */
public final class SharingCycles {
    /** Cycles before the first reading, since the driver and the JVM allocate some memory once. */
    private static final int WARM_UP = 20;

    private SharingCycles() {}

    /** The result: exactly one of these. */
    public sealed interface Outcome {

        /**
         * @param freeBytesBefore of the device, which other processes may use too
         * @param medians of each step, in the order of the steps
         * @param micros average duration of a whole cycle, with the close
         */
        record Done(
                long freeBytesBefore,
                long freeBytesAfter,
                ProcessUsage before,
                ProcessUsage after,
                List<StepTime> medians,
                long micros)
                implements Outcome {
            public Done {
                medians = List.copyOf(medians);
            }
        }

        record Failed(String why) implements Outcome {}
    }

    /**
     * <b>Blocks</b> for about a millisecond per cycle. {@link CudaProbe} must have found the device in this process.
     */
    public static Outcome run(int device, ShareKind kind, int cycles) {
        return switch (ForeignMemoryDriver.load()) {
            case ForeignLoading.Absent<CudaMemoryDriver>(String reason) -> new Outcome.Failed(reason);
            case ForeignLoading.Loaded<CudaMemoryDriver>(CudaMemoryDriver driver) -> run(driver, device, kind, cycles);
        };
    }

    public static Outcome run(CudaMemoryDriver driver, int device, ShareKind kind, int cycles) {
        var trial = new SharingTrial(driver, System::nanoTime);
        try {
            return trial.inContext(
                    device,
                    new StepClock(System::nanoTime),
                    stream -> measured(driver, device, cycles, () -> {
                        var clock = new StepClock(System::nanoTime);
                        Optional<String> wrong = trial.cycle(device, kind, stream, clock);
                        if (wrong.isPresent()) {
                            throw new IOException(wrong.get());
                        }
                        return clock.steps();
                    }));
        } catch (CudaCallException e) {
            return new Outcome.Failed(e.failure().text());
        }
    }

    private static Outcome measured(CudaMemoryDriver driver, int device, int cycles, Cycle cycle)
            throws CudaCallException {
        Map<String, List<Long>> times = new LinkedHashMap<>();
        try {
            for (int i = 0; i < WARM_UP; i++) {
                cycle.run();
            }
            long freeBefore = driver.freeBytes(device);
            ProcessUsage before = ProcessUsage.now();
            long start = System.nanoTime();
            for (int i = 0; i < cycles; i++) {
                cycle.run()
                        .forEach(step -> times.computeIfAbsent(step.step(), _ -> new ArrayList<>())
                                .add(step.micros()));
            }
            long micros = (System.nanoTime() - start) / 1000 / Math.max(1, cycles);
            return new Outcome.Done(
                    freeBefore, driver.freeBytes(device), before, ProcessUsage.now(), medians(times), micros);
        } catch (IOException e) {
            return new Outcome.Failed(String.valueOf(e.getMessage()));
        }
    }

    private static List<StepTime> medians(Map<String, List<Long>> times) {
        List<StepTime> medians = new ArrayList<>();
        times.forEach((step, all) -> medians.add(new StepTime(
                step, all.stream().sorted().skip(all.size() / 2).findFirst().orElseThrow())));
        return medians;
    }

    /** Runs one cycle. */
    @FunctionalInterface
    private interface Cycle {
        List<StepTime> run() throws CudaCallException, IOException;
    }
}
