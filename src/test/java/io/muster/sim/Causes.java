// SPDX-License-Identifier: Apache-2.0

package io.muster.sim;

import java.util.HashMap;
import java.util.Map;

/**
 * What was done to whom, and when: what there is to be seen by somebody who misses a process. Something counts until
 * the two have a channel again whose ends are both up, made after it was over.
 */
final class Causes {
    private final World world;
    private final Map<Way, Long> betweenUs = new HashMap<>();
    private final Map<Way, Long> upUs = new HashMap<>();

    private record Way(int one, int other) {
        static Way of(SimProcess one, SimProcess other) {
            return one.number < other.number ? new Way(one.number, other.number) : new Way(other.number, one.number);
        }
    }

    Causes(World world) {
        this.world = world;
    }

    /** Something is done on the way between the two, for so long from now on. */
    void between(SimProcess one, SimProcess other, long forUs) {
        betweenUs.merge(Way.of(one, other), world.clock.nowUs() + forUs, Math::max);
    }

    /** Both ends of a channel are up. */
    void up(SimProcess one, SimProcess other) {
        upUs.put(Way.of(one, other), world.clock.nowUs());
    }

    /** Whether there is something for which one may miss the other. */
    boolean forMissing(SimProcess by, SimProcess missed) {
        return missed.crashed || missed.paused || missed.resumedUs >= sinceUs(by, missed) || isBetween(by, missed);
    }

    /** Whether it has stood still itself since the two were last connected. */
    boolean wasStopped(SimProcess by, SimProcess missed) {
        return by.paused || by.resumedUs >= sinceUs(by, missed);
    }

    private boolean isBetween(SimProcess one, SimProcess other) {
        return world.network.isHeld(one, other)
                || betweenUs.getOrDefault(Way.of(one, other), Long.MIN_VALUE) >= sinceUs(one, other);
    }

    private long sinceUs(SimProcess one, SimProcess other) {
        return Math.max(
                upUs.getOrDefault(Way.of(one, other), Long.MIN_VALUE), Math.max(one.startedUs, other.startedUs));
    }
}
