package io.muster.transfer;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Bounds what strangers can hold: accepted connections without a hello (the oldest goes when one too many comes, so that an honest one,
 * which speaks at once, gets through), and log lines (one per address and ten seconds). Its monitor is where event loops meet.
 */
final class Gate {
  private static final Logger log = LoggerFactory.getLogger(Gate.class);
  private static final long QUIET_NANOS = 10_000_000_000L;
  private static final int REMEMBERED_ADDRESSES = 1_024;

  /** What was kept from the log since its last line about an address. */
  private record Quiet(long sinceNanos, int suppressed) {}

  private final int limit;
  private final Set<Admission> waiting = new LinkedHashSet<>();
  private final Map<String, Quiet> quiets = new LinkedHashMap<>(16, 0.75f, true) {
    @Override
    protected boolean removeEldestEntry(Map.Entry<String, Quiet> eldest) {
      return size() > REMEMBERED_ADDRESSES;
    }
  };
  private long complaints;

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
  synchronized long complaints() {
    return complaints;
  }

  synchronized Set<Admission> close() {
    Set<Admission> all = Set.copyOf(waiting);
    waiting.clear();
    return all;
  }

  void complain(String address, String what) {
    int suppressed;
    synchronized (this) {
      complaints++;
      long now = System.nanoTime();
      Quiet quiet = quiets.get(address);
      if (quiet != null && now - quiet.sinceNanos() < QUIET_NANOS) {
        quiets.put(address, new Quiet(quiet.sinceNanos(), quiet.suppressed() + 1));
        return;
      }
      suppressed = quiet == null ? 0 : quiet.suppressed();
      quiets.put(address, new Quiet(now, 0));
    }
    log.warn("connection-dropped remote={} suppressed={}: it {}", address, suppressed, what);
  }
}
