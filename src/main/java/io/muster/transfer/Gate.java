package io.muster.transfer;

import java.util.LinkedHashSet;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Bounds what strangers can hold: accepted connections without a hello (the oldest goes when one too many comes, so that an honest one,
 * which speaks at once, gets through), and log lines. Its monitor is where event loops meet.
 */
final class Gate {
  private static final Logger log = LoggerFactory.getLogger(Gate.class);
  private final int limit;
  private final Set<Admission> waiting = new LinkedHashSet<>();
  private final Complaints complaints = new Complaints(log, "connection-dropped");

  Gate(int limit) {
    this.limit = limit;
  }

  void enter(Admission admission) {
    Admission oldest = null;
    synchronized (this) {
      waiting.add(admission);
      if (waiting.size() > limit) {
        oldest = waiting.iterator().next();
        waiting.remove(oldest);
      }
    }
    if (oldest != null) {
      oldest.drop("was the oldest of more than " + limit + " connections without a hello");
    }
  }

  synchronized void leave(Admission admission) {
    waiting.remove(admission);
  }

  synchronized int waiting() {
    return waiting.size();
  }

  /** Connections that were dropped or refused for what they sent, or did not send. */
  long complaints() {
    return complaints.count();
  }

  synchronized Set<Admission> close() {
    Set<Admission> all = Set.copyOf(waiting);
    waiting.clear();
    return all;
  }

  void complain(String address, String what) {
    complaints.note(address, what);
  }
}
