// SPDX-License-Identifier: Apache-2.0

package io.muster.chaos;

import java.util.List;
import java.util.Locale;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * A fault of one process, or of two at the same time.
 *
 * @param processes the processes that it hits
 * @param holdMs how long they are stopped; 0 for faults that stop no process
 */
record ChaosFault(Kind kind, List<Integer> processes, long holdMs) {
    /** The kinds of faults, and what the other processes must report. */
    enum Kind {
        /** kill -9; the process is started again when all others have reported the loss. */
        KILL,
        /**
         * kill -9; the process is started again at once, while entries and connections of its former life still exist.
         */
        RESTART,
        /** kill -9 of two processes at the same time. */
        KILL_TWO,
        /**
         * Stopped for longer than the liveness limit, then continued: the others must name it; it returns with the same
         * life.
         */
        STOP,
        /** Two processes are stopped at the same time for longer than the limit. */
        STOP_TWO,
        /** Stopped for less than the limit: no process may name it. */
        SHORT_STOP,
        /** Leaves in order and is started again: the others must report it as LEFT and blame no process. */
        LEAVE;

        /** True if every other process must report it. */
        boolean mustBeReported() {
            return this != SHORT_STOP;
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    ChaosFault {
        processes = List.copyOf(processes);
    }

    /**
     * The next random fault.
     *
     * @param processes number of processes
     * @param spared processes from this index on are never killed and never leave
     * @param limitMs silence after which a process counts as lost
     */
    static ChaosFault next(RandomGenerator random, int processes, int spared, long limitMs) {
        Kind[] kinds = Kind.values();
        Kind kind = kinds[random.nextInt(kinds.length)];
        // a fault of two processes needs two others that detect it
        boolean tooFew = Math.min(processes - 2, spared) < 2;
        return of(
                kind == Kind.KILL_TWO && tooFew ? Kind.KILL : kind == Kind.STOP_TWO && tooFew ? Kind.STOP : kind,
                random,
                processes,
                spared,
                limitMs);
    }

    static ChaosFault of(Kind kind, RandomGenerator random, int processes, int spared, long limitMs) {
        return switch (kind) {
            case KILL, RESTART, LEAVE -> new ChaosFault(kind, List.of(random.nextInt(spared)), 0);
            case KILL_TWO -> new ChaosFault(kind, two(random, spared), 0);
            case STOP ->
                new ChaosFault(kind, List.of(random.nextInt(processes)), limitMs * random.nextInt(140, 250) / 100);
            case STOP_TWO -> new ChaosFault(kind, two(random, processes), limitMs * random.nextInt(140, 250) / 100);
            case SHORT_STOP ->
                new ChaosFault(kind, List.of(random.nextInt(processes)), limitMs * random.nextInt(20, 60) / 100);
        };
    }

    private static List<Integer> two(RandomGenerator random, int of) {
        int one = random.nextInt(of);
        int other = random.nextInt(of - 1);
        return List.of(one, other < one ? other : other + 1);
    }

    /** Every process but the spared ones leaves in order and is started again, one after the other. */
    static List<ChaosFault> rollingRestart(int spared) {
        return IntStream.range(0, spared)
                .mapToObj(process -> new ChaosFault(Kind.LEAVE, List.of(process), 0))
                .toList();
    }
}
