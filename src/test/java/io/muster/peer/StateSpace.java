// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Breadth-first exploration of worlds that are packed into {@code char} arrays, and of the worlds that each can still
 * reach.
 */
final class StateSpace {
    /** The worlds to explore. */
    interface Model {
        char[] initial();

        /** Every step that is possible from a world. */
        void expand(char[] world, Steps out);

        /** The rule that a world breaks, or null. */
        String violation(char[] world);

        /** True if faults have stopped: only from then on must the goal stay reachable. */
        boolean isKind(char[] world);

        boolean isGoal(char[] world);

        String describe(char[] world);
    }

    /** Takes the steps of one world. */
    interface Steps {
        void step(char[] next, String label);
    }

    private static final int NONE = -1;
    private final Model model;
    private final int limit;
    private char[][] worlds = new char[1 << 12][];
    private int[] parent = new int[1 << 12];
    private int[] index = filled(1 << 13);
    private int size;
    private int[] edges = new int[1 << 14];
    private int[] firstEdge = new int[1 << 12];
    private int edgeCount;
    private boolean complete = true;

    StateSpace(Model model, int limit) {
        this.model = model;
        this.limit = limit;
    }

    /** The result. A correct machine has no violation and no stuck world. */
    record Outcome(
            int states,
            long steps,
            int kind,
            int goals,
            boolean complete,
            String violation,
            int stuck,
            String stuckTrace) {
        boolean isGood() {
            return complete && goals > 0 && violation.isEmpty() && stuck == 0;
        }

        @Override
        public String toString() {
            return states + " states, " + steps + " steps, " + kind + " after faults, " + goals + " stable goals, "
                    + stuck + " stuck, "
                    + (complete ? "complete" : "STOPPED AT THE LIMIT") + (violation.isEmpty() ? "" : "\n" + violation)
                    + (stuckTrace.isEmpty() ? "" : "\nstuck after: " + stuckTrace);
        }
    }

    Outcome explore() {
        add(model.initial(), NONE);
        String violation = "";
        int next = 0;
        for (; next < size && violation.isEmpty(); next++) {
            int from = next;
            char[] world = worlds[from];
            firstEdge = grown(firstEdge, from + 1);
            firstEdge[from] = edgeCount;
            model.expand(world, (to, label) -> {
                int id = add(to, from);
                edges = grown(edges, edgeCount);
                edges[edgeCount++] = id;
            });
            String wrong = model.violation(world);
            if (wrong != null) {
                violation = wrong + "\nafter: " + trace(from);
            }
            if (size > limit) {
                complete = false;
                break;
            }
        }
        int explored = next;
        if (!complete || !violation.isEmpty()) {
            return new Outcome(size, edgeCount, 0, 0, complete, violation, 0, "");
        }
        firstEdge = grown(firstEdge, explored);
        firstEdge[explored] = edgeCount;
        return judge(explored);
    }

    /** Counts the stable goals, and the worlds after faults from which none of them can be reached. */
    private Outcome judge(int count) {
        boolean[] goal = new boolean[count];
        for (int i = 0; i < count; i++) {
            goal[i] = model.isKind(worlds[i]) && model.isGoal(worlds[i]);
        }
        for (boolean changed = true; changed; ) {
            changed = false;
            for (int i = 0; i < count; i++) {
                for (int e = firstEdge[i]; goal[i] && e < firstEdge[i + 1]; e++) {
                    if (!goal[edges[e]]) {
                        goal[i] = false;
                        changed = true;
                    }
                }
            }
        }
        boolean[] reaches = goal.clone();
        for (boolean changed = true; changed; ) {
            changed = false;
            for (int i = count - 1; i >= 0; i--) {
                for (int e = firstEdge[i]; !reaches[i] && e < firstEdge[i + 1]; e++) {
                    if (reaches[edges[e]]) {
                        reaches[i] = true;
                        changed = true;
                    }
                }
            }
        }
        int kind = 0;
        int goals = 0;
        int stuck = 0;
        int firstStuck = NONE;
        for (int i = 0; i < count; i++) {
            kind += model.isKind(worlds[i]) ? 1 : 0;
            goals += goal[i] ? 1 : 0;
            if (model.isKind(worlds[i]) && !reaches[i]) {
                stuck++;
                firstStuck = firstStuck == NONE ? i : firstStuck;
            }
        }
        return new Outcome(count, edgeCount, kind, goals, true, "", stuck, firstStuck == NONE ? "" : trace(firstStuck));
    }

    private String trace(int id) {
        List<String> labels = new ArrayList<>();
        for (int at = id; parent[at] != NONE; at = parent[at]) {
            char[] wanted = worlds[at];
            List<String> found = new ArrayList<>();
            model.expand(worlds[parent[at]], (to, label) -> {
                if (Arrays.equals(to, wanted)) {
                    found.add(label);
                }
            });
            labels.addFirst(found.getFirst());
        }
        return String.join("\n  ", labels) + "\n  = " + model.describe(worlds[id]);
    }

    private int add(char[] world, int from) {
        int slot = slot(index, world);
        if (index[slot] != NONE) {
            return index[slot];
        }
        if (size == worlds.length) {
            worlds = Arrays.copyOf(worlds, 2 * size);
            parent = Arrays.copyOf(parent, 2 * size);
        }
        worlds[size] = world;
        parent[size] = from;
        index[slot] = size;
        if (2 * ++size > index.length) {
            int[] wider = filled(2 * index.length);
            for (int i = 0; i < size; i++) {
                wider[slot(wider, worlds[i])] = i;
            }
            index = wider;
        }
        return size - 1;
    }

    private int slot(int[] table, char[] world) {
        int hash = Arrays.hashCode(world) * 0x9E3779B9;
        int slot = (hash ^ hash >>> 15) & table.length - 1;
        while (table[slot] != NONE && !Arrays.equals(worlds[table[slot]], world)) {
            slot = slot + 1 & table.length - 1;
        }
        return slot;
    }

    private static int[] filled(int length) {
        int[] table = new int[length];
        Arrays.fill(table, NONE);
        return table;
    }

    private static int[] grown(int[] array, int atLeast) {
        return atLeast < array.length ? array : Arrays.copyOf(array, Math.max(2 * array.length, atLeast + 1));
    }
}
