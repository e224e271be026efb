// SPDX-License-Identifier: Apache-2.0

package io.muster.epoch;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.epoch.BarrierWorld.Budget;
import io.muster.epoch.BarrierWorld.Overdue;
import io.muster.segment.EpochRecord;
import io.muster.segment.Versioned;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Walks every reachable state of some processes that run the production barrier machine, breadth first: no rule is
 * broken on the way, and from every state the good end can be reached without help. {@code -Dmuster.walk.deep=true}
 * walks the larger worlds too.
 */
@Timeout(600)
class BarrierMachineWalkTest {
    private static final int MAX_STATES = Integer.getInteger("muster.walk.states", 2_000_000);
    /** The largest worlds need too much memory: states beyond the bound are not visited. */
    private static final boolean DEEP = Boolean.getBoolean("muster.walk.deep");

    private static final long MAX_EPOCH = 6;

    // B-2
    @Test
    void twoProcessesABreak() {
        walk("2 processes, break", BarrierWorld.start(2, new Budget(1, 0, 0, 0), true));
    }

    // B-1, R-7
    @Test
    void twoProcessesARestart() {
        walk("2 processes, restart", BarrierWorld.start(2, new Budget(0, 1, 0, 0), true));
    }

    @Test
    void twoProcessesALateOperation() {
        walk("2 processes, late operation", BarrierWorld.start(2, new Budget(0, 0, 0, 1), true));
    }

    // B-8
    @Test
    void twoProcessesALostNotification() {
        walk("2 processes, lost notification", BarrierWorld.start(2, new Budget(0, 0, 1, 0), true));
    }

    @Test
    void threeProcesses() {
        walk("3 processes, links down at first", BarrierWorld.start(3, new Budget(0, 0, 0, 0), false));
    }

    // ADR 33: no mark goes astray, so that the store has to be asked for it
    @Test
    void twoProcessesWhoseKeysMove() {
        walk("2 processes, keys move", BarrierWorld.start(2, new Budget(0, 0, 0, 0, 2, Overdue.NEVER), false, 0));
    }

    @Test
    void twoProcessesARestartWithAnOwnerOfTheKeys() {
        walk(
                "2 processes, restart, key owner",
                BarrierWorld.start(2, new Budget(0, 1, 0, 0, 0, Overdue.NEVER), true, 1));
    }

    // B-1, B-2, B-8, R-7
    @ParameterizedTest(name = "{0}")
    @MethodSource("larger")
    @EnabledIfSystemProperty(named = "muster.walk.deep", matches = "true")
    void largerWorlds(String name, int size, Budget budget) {
        walk(name, BarrierWorld.start(size, budget, true));
    }

    static Stream<Arguments> larger() {
        return Stream.of(
                Arguments.of("2 processes, 2 breaks", 2, new Budget(2, 0, 0, 0)),
                Arguments.of("3 processes, break", 3, new Budget(1, 0, 0, 0)),
                Arguments.of("3 processes, restart", 3, new Budget(0, 1, 0, 0, 0, Overdue.HASTY)),
                Arguments.of("2 processes, break, restart", 2, new Budget(1, 1, 0, 0)),
                Arguments.of("2 processes, break, lost notification", 2, new Budget(1, 0, 1, 0)),
                Arguments.of("2 processes, break, late operation", 2, new Budget(1, 0, 0, 1)),
                Arguments.of("2 processes, restart, late operation", 2, new Budget(0, 1, 0, 1)),
                Arguments.of("2 processes, restart, lost notification", 2, new Budget(0, 1, 1, 0)));
    }

    private static void walk(String name, BarrierWorld first) {
        long began = System.nanoTime();
        Map<BarrierWorld, Integer> known = new HashMap<>();
        List<BarrierWorld> states = new ArrayList<>();
        List<int[]> next = new ArrayList<>();
        List<Integer> parents = new ArrayList<>();
        List<String> how = new ArrayList<>();
        known.put(first, 0);
        states.add(first);
        parents.add(-1);
        how.add("start");
        boolean exhausted = true;
        for (int at = 0; at < states.size(); at++) {
            BarrierWorld state = states.get(at);
            EpochRecord record = Versioned.valueOf(state.epoch());
            if (states.size() > MAX_STATES || (record != null && record.number() > MAX_EPOCH)) {
                exhausted &= states.size() <= MAX_STATES;
                next.add(null);
                continue;
            }
            List<BarrierWorld.Move> moves;
            try {
                moves = state.moves();
            } catch (IllegalStateException e) {
                throw new AssertionError(name + ": " + e.getMessage() + " after " + trace(at, parents, how), e);
            }
            int[] free = new int[moves.size()];
            int count = 0;
            for (BarrierWorld.Move move : moves) {
                Integer index = known.putIfAbsent(move.to(), states.size());
                if (index == null) {
                    index = states.size();
                    states.add(move.to());
                    parents.add(at);
                    how.add(move.what());
                }
                if (!move.isFault()) {
                    free[count++] = index;
                }
            }
            next.add(java.util.Arrays.copyOf(free, count));
        }
        BitSet good = stable(states, next);
        int stuck = firstStuck(states.size(), next, good);
        System.out.printf(
                "walk: %s: %d states%s, %d stable good, %d ms%n",
                name,
                states.size(),
                exhausted ? "" : " (bound reached)",
                good.cardinality(),
                (System.nanoTime() - began) / 1_000_000);
        assertThat(exhausted || DEEP).as("every state was walked").isTrue();
        assertThat(good.cardinality()).as("states from which all stays well").isPositive();
        if (stuck >= 0) {
            throw new AssertionError(name + ": stuck after " + trace(stuck, parents, how) + "\n" + states.get(stuck));
        }
    }

    /** Good states that no step without a fault leaves. */
    private static BitSet stable(List<BarrierWorld> states, List<int[]> next) {
        BitSet good = new BitSet();
        for (int index = 0; index < states.size(); index++) {
            good.set(index, next.get(index) != null && states.get(index).isGood());
        }
        for (boolean changed = true; changed; ) {
            changed = false;
            for (int index = good.nextSetBit(0); index >= 0; index = good.nextSetBit(index + 1)) {
                for (int to : next.get(index)) {
                    if (!good.get(to)) {
                        good.clear(index);
                        changed = true;
                        break;
                    }
                }
            }
        }
        return good;
    }

    /**
     * The first state, in the order of the walk, from which nothing leads to where all stays well; -1 if there is none.
     */
    private static int firstStuck(int count, List<int[]> next, BitSet good) {
        List<List<Integer>> before = new ArrayList<>(Collections.nCopies(count, null));
        BitSet reached = (BitSet) good.clone();
        for (int index = 0; index < count; index++) {
            int[] moves = next.get(index);
            if (moves == null) {
                reached.set(index);
                continue;
            }
            for (int to : moves) {
                if (before.get(to) == null) {
                    before.set(to, new ArrayList<>(2));
                }
                before.get(to).add(index);
            }
        }
        ArrayDeque<Integer> open = new ArrayDeque<>();
        reached.stream().forEach(open::add);
        while (!open.isEmpty()) {
            List<Integer> from = before.get(open.poll());
            if (from != null) {
                for (int index : from) {
                    if (!reached.get(index)) {
                        reached.set(index);
                        open.add(index);
                    }
                }
            }
        }
        int stuck = reached.nextClearBit(0);
        return stuck < count ? stuck : -1;
    }

    private static List<String> trace(int at, List<Integer> parents, List<String> how) {
        List<String> trace = new ArrayList<>();
        for (int index = at; index > 0; index = parents.get(index)) {
            trace.addFirst(how.get(index));
        }
        return trace;
    }
}
