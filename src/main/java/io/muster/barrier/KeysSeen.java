package io.muster.barrier;

import io.muster.segment.RankEntry;
import io.muster.segment.ReadyMark;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/** What is known of the rank keys and the marks: the working copy in one {@link Turn}. Copied when it changes, of most events it does not. */
final class KeysSeen {
  private Map<Integer, Seen<RankEntry>> ranks;
  private Map<Integer, Seen<ReadyMark>> marks;
  private Map<Integer, Seen<RankEntry>> rankNews;
  private Map<Integer, Seen<ReadyMark>> markNews;

  KeysSeen(BarrierState state) {
    ranks = state.ranks();
    marks = state.marks();
    rankNews = state.work().news().ranks();
    markNews = state.work().news().marks();
  }

  Map<Integer, Seen<RankEntry>> ranks() {
    return ranks;
  }

  Map<Integer, Seen<ReadyMark>> marks() {
    return marks;
  }

  BarrierState.News news() {
    return new BarrierState.News(rankNews, markNews);
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

  /** @return false if the key holds no mark */
  boolean markSeen(int rank, @Nullable Seen<ReadyMark> seen, boolean reading) {
    ReadyMark known = Seen.valueOf(marks.get(rank));
    ReadyMark value = Seen.valueOf(seen);
    if (value != null && (known == null || !known.supersedes(value))) {
      marks = with(marks, rank, seen);
      markNews = reading ? with(markNews, rank, seen) : markNews;
    }
    return value != null;
  }

  private static <T> Map<Integer, Seen<T>> with(Map<Integer, Seen<T>> map, int rank, Seen<T> seen) {
    Map<Integer, Seen<T>> next = new HashMap<>(map);
    next.put(rank, seen);
    return next;
  }

  void readBegins() {
    rankNews = Map.of();
    markNews = Map.of();
  }

  void read(BarrierEvent.ReadDone done) {
    ranks = new HashMap<>(done.ranks());
    marks = new HashMap<>(done.marks());
  }

  /** Decided is only from what was read; but what was heard meanwhile may be newer than that, and won't be told again. */
  void keepNews() {
    keep(rankNews, ranks, RankEntry::supersedes);
    keep(markNews, marks, ReadyMark::supersedes);
    readBegins();
  }

  private static <T> void keep(Map<Integer, Seen<T>> news, Map<Integer, Seen<T>> known, BiPredicate<T, T> supersedes) {
    news.forEach((rank, heard) -> {
      T there = Seen.valueOf(known.get(rank));
      if (there == null || supersedes.test(Objects.requireNonNull(heard.value()), there)) {
        known.put(rank, heard);
      }
    });
  }
}
