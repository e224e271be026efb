// SPDX-License-Identifier: Apache-2.0

package io.muster.sim;

import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What came of one seed.
 *
 * @param recoveryMs virtual time from the end of the faults until all was well
 * @param failure null if nothing was wrong
 */
record Outcome(
        long seed,
        Map<Fault, Long> fired,
        long recoveryMs,
        long steps,
        @Nullable String failure) {
    static Outcome of(long seed) {
        var world = new World(seed, false);
        long recoveryMs = 0;
        String failure = null;
        try {
            recoveryMs = world.run();
        } catch (Exception | AssertionError | StackOverflowError e) {
            failure = String.valueOf(e);
        }
        Map<Fault, Long> fired = new EnumMap<>(Fault.class);
        for (Fault fault : Fault.values()) {
            if (world.faults.count(fault) > 0) {
                fired.put(fault, world.faults.count(fault));
            }
        }
        return new Outcome(seed, fired, recoveryMs, world.clock.steps(), failure);
    }

    boolean isWell() {
        return failure == null;
    }
}
