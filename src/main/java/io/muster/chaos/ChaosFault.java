// SPDX-License-Identifier: Apache-2.0

package io.muster.chaos;

import java.util.List;
import java.util.Locale;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * What is done to one process (or two), and what must be said of it.
 *
 * @param processes whom it hits
 * @param holdMs how long they are stopped, 0 where nobody is
 */
record ChaosFault(Kind kind, List<Integer> processes, long holdMs) {
    /** The kinds. */
    enum Kind {
        /** kill -9, started again when all others have told of it. */
        KILL,
        /** kill -9, started again at once, while entries and connections of the former life are still about. */
        RESTART,
        /** kill -9 of two at the same time. */
        KILL_TWO,
        /** Stopped for longer than the liveness limit, then continued: must be named, and comes back in place. */
        STOP,
        /** Two are stopped at the same time for longer than the limit. */
        STOP_TWO,
        /** Stopped for less: must be named by nobody. */
        SHORT_STOP,
        /** Leaves in order and is started again: nobody is blamed. */
        LEAVE;

        /** Whether every other process must tell of it. */
        boolean mustBeTold() {
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
     * The next one.
     *
     * @param processes how many there are
     * @param spared processes from here on are never killed
     * @param limitMs silence after which a process counts as lost
     */
    static ChaosFault next(RandomGenerator random, int processes, int spared, long limitMs) {
        Kind[] kinds = Kind.values();
        Kind kind = kinds[random.nextInt(kinds.length)];
        // two must be left who see what happens to two
        boolean fewer = Math.min(processes - 2, spared) < 2;
        return of(
                kind == Kind.KILL_TWO && fewer ? Kind.KILL : kind == Kind.STOP_TWO && fewer ? Kind.STOP : kind,
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

    /** Each process but the spared ones leaves in order and comes back, one after the other. */
    static List<ChaosFault> rollingRestart(int spared) {
        return IntStream.range(0, spared)
                .mapToObj(process -> new ChaosFault(Kind.LEAVE, List.of(process), 0))
                .toList();
    }
}
