package io.muster.sim;

import java.util.Comparator;
import java.util.PriorityQueue;

/** Virtual time: one queue of events, ordered by time, and at equal times by chance. */
final class Clock {
  private record Event(long timeUs, long tie, long sequence, Runnable task) {}

  private final PriorityQueue<Event> events = new PriorityQueue<>(
      Comparator.comparingLong(Event::timeUs).thenComparingLong(Event::tie).thenComparingLong(Event::sequence));
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
