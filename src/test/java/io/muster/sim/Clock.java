// SPDX-License-Identifier: Apache-2.0

package io.muster.sim;

import java.util.PriorityQueue;

/** Virtual time: one queue of events, ordered by time, and at equal times by chance. */
final class Clock {
    private record Event(long timeUs, long tie, long sequence, Runnable task) implements Comparable<Event> {
        @Override
        public int compareTo(Event other) { // written out: a third of a run was spent in chained comparators
            if (timeUs != other.timeUs) {
                return timeUs < other.timeUs ? -1 : 1;
            }
            if (tie != other.tie) {
                return tie < other.tie ? -1 : 1;
            }
            return Long.compare(sequence, other.sequence);
        }
    }

    private final PriorityQueue<Event> events = new PriorityQueue<>();
    private final Chance chance;
    private long nowUs;
    private long sequence;

    Clock(Chance chance) {
        this.chance = chance;
    }

    long nowUs() {
        return nowUs;
    }

    long nowMs() {
        return nowUs / 1_000;
    }

    void after(long delayUs, Runnable task) {
        events.add(new Event(nowUs + Math.max(0, delayUs), chance.any(), sequence++, task));
    }

    /** Runs everything up to this moment, and ends there. */
    void runUntilMs(long timeMs) {
        long untilUs = timeMs * 1_000;
        for (Event next = events.peek(); next != null && next.timeUs() <= untilUs; next = events.peek()) {
            events.poll();
            nowUs = next.timeUs();
            next.task().run();
        }
        nowUs = untilUs;
    }

    long steps() {
        return sequence - events.size();
    }
}
