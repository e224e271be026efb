// SPDX-License-Identifier: Apache-2.0

package io.muster.sim;

import io.muster.peer.LinkTiming;
import io.muster.segment.SegmentHandle;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * What one seed stands for.
 *
 * @param placement the ranks of each process that starts at the beginning
 * @param faultMs how long faults are injected
 * @param rates of the continuous faults
 * @param events how many single faults are injected
 * @param mode of the warmup
 * @param attributes whether members of the store's cluster carry process ids
 */
record Scenario(
        long seed,
        int worldSize,
        List<List<Integer>> placement,
        long faultMs,
        Map<Fault, Double> rates,
        int events,
        String mode,
        SegmentHandle.FabricOffer fabric,
        boolean attributes,
        LinkTiming timing) {
    /** Seeds from here on name the world size: 16,000,003 is the third one of 16 ranks. */
    static final long SIZED = 1_000_000;
    /** Seeds from here on are schedules with one fault, in which it is judged who is blamed. */
    static final long TRIALS = 1_000_000_000;
    /** Seeds from here on are groups with a secret, and a stranger in the store. */
    static final long SECURED = 2_000_000_000;

    /** A fault-free start of this many ranks, each in a process of its own. */
    static Scenario calm(long seed, int worldSize, int processes) {
        return new Scenario(
                seed,
                worldSize,
                spread(worldSize, processes),
                0,
                Map.of(),
                0,
                "exchange",
                SegmentHandle.FabricOffer.NONE,
                true,
                LinkTiming.DEFAULT);
    }

    /** One thing is done, and it is judged who is blamed. */
    boolean isTrial() {
        return seed >= TRIALS && seed < SECURED;
    }

    /** The group has a secret, and a stranger without it is a member of the store's cluster. */
    boolean isSecured() {
        return seed >= SECURED;
    }

    static Scenario of(long seed, Chance chance) {
        return seed >= TRIALS && seed < SECURED ? trial(seed, chance) : many(seed, chance);
    }

    /** All is calm until the one thing is done; only the store may be at fault besides. */
    private static Scenario trial(long seed, Chance chance) {
        int worldSize = (int) chance.between(2, 8);
        Map<Fault, Double> rates = new EnumMap<>(Fault.class);
        if (chance.with(0.5)) {
            for (Fault fault : List.of(
                    Fault.OPERATION_LOST,
                    Fault.OPERATION_SLOW,
                    Fault.OPERATION_REPEATED,
                    Fault.ANSWER_LOST,
                    Fault.PUSH_LOST,
                    Fault.PUSH_LATE,
                    Fault.MEMBERS_MISSED,
                    Fault.BUS_LOST)) {
                rates.put(fault, 0.05);
            }
        }
        return new Scenario(
                seed,
                worldSize,
                spread(worldSize, (int) chance.between(2, worldSize)),
                0,
                rates,
                0,
                "exchange",
                SegmentHandle.FabricOffer.NONE,
                true,
                LinkTiming.DEFAULT);
    }

    private static Scenario many(long seed, Chance chance) {
        int worldSize = seed >= SIZED && seed < TRIALS ? (int) (seed / SIZED) : (int) chance.between(2, 8);
        int processes = worldSize <= 8
                ? (int) chance.between(chance.with(0.05) ? 1 : 2, worldSize)
                : chance.oneOf(List.of(4, 8, Math.min(worldSize, 16)));
        Map<Fault, Double> rates = new EnumMap<>(Fault.class);
        double noise = chance.oneOf(List.of(0.0, 0.01, 0.05, 0.15));
        for (Fault fault : Fault.values()) {
            if (fault.how() == Fault.How.CONTINUOUS && noise > 0 && chance.with(0.4)) {
                rates.put(
                        fault,
                        fault == Fault.IMPORT_FAILED || fault == Fault.PUSH_LOST ? Math.min(0.8, 4 * noise) : noise);
            }
        }
        String mode = chance.oneOf(List.of("exchange", "exchange", "auto", "skip"));
        var fabric = mode.equals("auto")
                ? new SegmentHandle.FabricOffer.Exported("6f1c/1", true, new byte[] {1}, "simulated")
                : SegmentHandle.FabricOffer.NONE;
        return new Scenario(
                seed,
                worldSize,
                spread(worldSize, processes),
                faultMs(worldSize, chance),
                rates,
                (int) chance.between(noise == 0 ? 1 : 0, 6),
                mode,
                fabric,
                chance.with(0.8),
                LinkTiming.DEFAULT);
    }

    private static long faultMs(int worldSize, Chance chance) {
        return worldSize > 8 ? 6_000 : chance.with(0.3) ? chance.between(6_000, 16_000) : chance.between(1_000, 6_000);
    }

    private static List<List<Integer>> spread(int worldSize, int processes) {
        List<List<Integer>> all = new ArrayList<>();
        for (int process = 0; process < processes; process++) {
            List<Integer> ranks = new ArrayList<>();
            for (int rank = process * worldSize / processes; rank < (process + 1) * worldSize / processes; rank++) {
                ranks.add(rank);
            }
            all.add(ranks);
        }
        return all;
    }
}
