package io.muster.barrier;

import io.muster.group.Member;
import io.muster.segment.Decoded;
import io.muster.segment.EpochRecord;
import io.muster.segment.RankEntry;
import io.muster.segment.ReadyMark;
import io.muster.segment.Schema;
import io.muster.segment.SegmentStore;
import io.muster.segment.StoreKeys;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Sums up what a complete epoch rests on: the proofs of all links, and how long it took. */
final class Summaries {
  private final GroupCore core;
  private final SegmentStore store;
  private final StoreKeys keys;
  private final Map<Member, Long> firstSeen = new HashMap<>();

  Summaries(BarrierSetup setup, GroupCore core, SegmentStore store) {
    this.core = core;
    this.store = store;
    this.keys = new StoreKeys(setup.group());
  }

  void memberSeen(Member member) {
    firstSeen.putIfAbsent(member, System.nanoTime());
  }

  /** The marks of all members carry the proofs; those that have not been told here are read. */
  void of(EpochRecord record, Consumer<AllConnected> then) {
    Map<Integer, ReadyMark> marks = new HashMap<>();
    core.barrier().marks().forEach((rank, seen) -> {
      ReadyMark mark = seen.value();
      if (mark != null && mark.epoch() == record.number() && mark.member().equals(record.vector().get(rank))) {
        marks.put(rank, mark);
      }
    });
    long elapsedMs = elapsedMs(record);
    if (marks.size() == record.worldSize()) {
      then.accept(AllConnected.of(record, marks, entries(), elapsedMs));
      return;
    }
    store.getAll(keys.ready(IntStream.range(0, record.worldSize()))).onComplete(read -> {
      if (read.succeeded()) {
        read.result().values().forEach(bytes -> {
          if (Schema.readyMark(bytes) instanceof Decoded.Valid<ReadyMark>(ReadyMark mark) && mark.epoch() == record.number()) {
            marks.put(mark.member().rank(), mark);
          }
        });
      }
      then.accept(AllConnected.of(record, marks, entries(), elapsedMs));
    });
  }

  private Map<Integer, RankEntry> entries() {
    return core.directory().entrySet().stream().filter(entry -> entry.getValue().value() != null)
        .collect(Collectors.toMap(Map.Entry::getKey, entry -> Objects.requireNonNull(entry.getValue().value())));
  }

  private long elapsedMs(EpochRecord record) {
    long newest = record.vector().stream().map(firstSeen::get).filter(Objects::nonNull).mapToLong(Long::longValue).max()
        .orElse(System.nanoTime());
    firstSeen.keySet().retainAll(record.vector());
    return (System.nanoTime() - newest) / 1_000_000;
  }
}
