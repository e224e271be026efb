package io.muster.epoch;

import io.muster.segment.RankEntry;
import io.muster.segment.ReadyMark;
import io.muster.segment.Seen;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What is known of the rank keys and the marks: the working copy in one {@link Turn}. Copied when it changes, of most events it does not. */
final class KeysSeen {
  private Map<Integer, Seen<RankEntry>> ranks;
  private Map<Integer, Seen<ReadyMark>> marks;
  private Map<Integer, Seen<RankEntry>> rankNews;

  KeysSeen(BarrierState state) {
    ranks = state.ranks();
    marks = state.marks();
    rankNews = state.work().news();
  }

  Map<Integer, Seen<RankEntry>> ranks() {
    return ranks;
  }

  Map<Integer, Seen<ReadyMark>> marks() {
    return marks;
  }

  Map<Integer, Seen<RankEntry>> news() {
    return rankNews;
  }

  /** @return false if the key has vanished, so that the store is to be asked */
  boolean rankSeen(int rank, @Nullable Seen<RankEntry> seen, boolean reading) {
    RankEntry known = Seen.valueOf(ranks.get(rank));
    RankEntry value = Seen.valueOf(seen);
    if (value != null && (known == null || !known.supersedes(value))) {
      ranks = with(ranks, rank, seen);
      rankNews = reading ? with(rankNews, rank, seen) : rankNews;
    } else if (value == null && ranks.containsKey(rank)) {
      ranks = new HashMap<>(ranks);
      ranks.remove(rank);
      return false;
    }
    return true;
  }

  void markSeen(int rank, @Nullable Seen<ReadyMark> seen) {
    ReadyMark known = Seen.valueOf(marks.get(rank));
    ReadyMark value = Seen.valueOf(seen);
    if (value != null && (known == null || !known.supersedes(value)) && !value.equals(known)) {
      marks = with(marks, rank, seen);
    }
  }

  private static <T> Map<Integer, Seen<T>> with(Map<Integer, Seen<T>> map, int rank, Seen<T> seen) {
    Map<Integer, Seen<T>> next = new HashMap<>(map);
    next.put(rank, seen);
    return next;
  }

  void readBegins() {
    rankNews = Map.of();
  }

  /** Of the entries only: a mark is never taken back, so what was told, and is not in the store, stays. */
  void read(BarrierEvent.ReadDone done) {
    ranks = new HashMap<>(done.ranks());
  }

  /** Decided is only from the entries that were read; but what was heard meanwhile may be newer than that, and won't be told again. */
  void keepNews() {
    rankNews.forEach((rank, heard) -> {
      RankEntry there = Seen.valueOf(ranks.get(rank));
      if (there == null || Objects.requireNonNull(heard.value()).supersedes(there)) {
        ranks.put(rank, heard);
      }
    });
    readBegins();
  }
}
