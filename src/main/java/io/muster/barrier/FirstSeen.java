package io.muster.barrier;

import io.muster.group.Member;
import io.muster.segment.EpochRecord;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/** When each life was first seen here, so that it can be said how long an epoch took. */
final class FirstSeen {
  private final Map<Member, Long> nanos = new HashMap<>();

  void seen(Member member) {
    nanos.putIfAbsent(member, System.nanoTime());
  }

  /** Since the newest member of the epoch was seen, in ms. */
  long elapsedMs(EpochRecord record) {
    long newest = record.vector().stream().map(nanos::get).filter(Objects::nonNull).mapToLong(Long::longValue).max()
        .orElse(System.nanoTime());
    nanos.keySet().retainAll(record.vector());
    return (System.nanoTime() - newest) / 1_000_000;
  }
}
