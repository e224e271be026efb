// SPDX-License-Identifier: Apache-2.0

package io.muster.sim;

import java.util.List;
import java.util.SplittableRandom;

/** The only source of chance in a simulation. */
final class Chance {
    private final SplittableRandom random;

    Chance(long seed) {
        random = new SplittableRandom(seed);
    }

    long any() {
        return random.nextLong();
    }

    boolean with(double probability) {
        return random.nextDouble() < probability;
    }

    /** From low to high, both included. */
    long between(long low, long high) {
        return low >= high ? low : random.nextLong(low, high + 1);
    }

    int below(int bound) {
        return random.nextInt(bound);
    }

    <T> T oneOf(List<T> all) {
        return all.get(random.nextInt(all.size()));
    }

    SplittableRandom generator() {
        return random;
    }
}
