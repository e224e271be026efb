package io.muster.barrier;

import io.muster.group.Member;
import io.muster.segment.EpochRecord;
import io.muster.segment.LostMember;
import io.muster.segment.RankEntry;
import io.muster.segment.ReadyMark;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** What follows for an epoch from what one process knows: each rule is a function of its arguments. {@link Turn} decides when to ask them. */
final class EpochRules {
  private EpochRules() {}

  /** All marks carry the record's digest, and no rank key names a life newer than the vector's. */
  static boolean canComplete(@Nullable EpochRecord epoch, Map<Integer, Seen<RankEntry>> ranks, Map<Integer, Seen<ReadyMark>> marks) {
    if (epoch == null || epoch.state() != EpochRecord.State.OPEN || marks.size() < epoch.worldSize()) {
      return false;
    }
    var digest = epoch.digest();
    for (int rank = 0; rank < epoch.worldSize(); rank++) {
      ReadyMark mark = Seen.valueOf(marks.get(rank));
      RankEntry entry = Seen.valueOf(ranks.get(rank));
      Member member = epoch.vector().get(rank);
      if (mark == null || !mark.member().equals(member) || mark.epoch() != epoch.number() || !mark.digest().equals(digest)
          || (entry != null && entry.member().isNewerThan(member))) {
        return false;
      }
    }
    return true;
  }

  /** The vector to open next, null if there is none: a seat is empty, or nothing has changed. */
  static @Nullable List<Member> nextVector(BarrierSetup setup, @Nullable EpochRecord epoch, Map<Integer, Seen<RankEntry>> ranks,
      Map<Integer, Seat> seats) {
    boolean newer = epoch == null || epoch.state() == EpochRecord.State.DEGRADED;
    boolean mine = false;
    for (int rank = 0; rank < setup.worldSize(); rank++) {
      RankEntry entry = Seen.valueOf(ranks.get(rank));
      if (entry == null || !entry.isLive() || entry.worldSize() != setup.worldSize()) {
        return null;
      }
      Member member = entry.member();
      if (epoch != null) {
        int order = member.compareLives(epoch.vector().get(rank));
        if (order < 0) {
          return null;
        }
        newer |= order > 0;
      }
      Seat seat = seats.get(rank);
      if (seat != null && seat.isLeaving() && seat.member().equals(member)) {
        return null;
      }
      mine |= seat != null && seat.member().equals(member);
    }
    return newer && mine ? IntStream.range(0, setup.worldSize())
        .mapToObj(rank -> Objects.requireNonNull(Seen.valueOf(ranks.get(rank))).member()).toList() : null;
  }

  /** Who is lost from the last complete epoch when this vector opens: whoever was lost already, or has been succeeded by a newer life. */
  static List<LostMember> lostBy(EpochRecord epoch, List<Member> vector, int reporter) {
    if (epoch.state() != EpochRecord.State.COMPLETE) {
      return epoch.lost();
    }
    return epoch.vector().stream().filter(former -> !vector.get(former.rank()).equals(former))
        .map(former -> new LostMember(former, "RESTARTED", "a newer life holds its seat: " + vector.get(former.rank()), reporter))
        .toList();
  }

  /** Who is lost to the epoch, by rank, as the seats of this process see it. */
  static Map<Integer, LostMember> losses(EpochRecord epoch, Collection<Seat> seats) {
    Map<Integer, LostMember> all = new LinkedHashMap<>();
    for (Seat seat : seats) {
      if (!seat.isIn(epoch)) {
        continue;
      }
      if (seat.poisoned() >= epoch.number()) {
        seat.losses().forEach(loss -> all.putIfAbsent(loss.member().rank(), loss));
      } else if (epoch.state() == EpochRecord.State.COMPLETE && !seat.isConnectedToAllOf(epoch)) {
        for (int rank = 0; rank < epoch.worldSize(); rank++) {
          Seat.LinkView link = seat.links().get(rank);
          if (link == null || !link.peer().equals(epoch.vector().get(rank))) {
            all.putIfAbsent(rank, new LostMember(epoch.vector().get(rank), "NOT_CONNECTED",
                "the epoch was completed, but this link is not connected to that life", seat.member().rank()));
          }
        }
      }
    }
    return all;
  }

  /** Some seat of this process is in the vector, and each that is has marked exactly it and has lost nothing since. */
  static boolean believes(EpochRecord value, Collection<Seat> seats) {
    List<Seat> concerned = seats.stream().filter(seat -> seat.isIn(value)).toList();
    return !concerned.isEmpty() && concerned.stream().allMatch(seat -> seat.hasMarked(value) && seat.poisoned() < value.number());
  }

  /** How many other live processes hold a rank below the lowest of this one. */
  static int processesBefore(BarrierSetup setup, int lowest, Map<Integer, Seen<RankEntry>> ranks) {
    Set<Object> before = new HashSet<>();
    ranks.forEach((rank, seen) -> {
      RankEntry entry = seen.value();
      if (rank < lowest && entry != null && entry.isLive() && !entry.handle().process().equals(setup.process())) {
        before.add(entry.handle().process());
      }
    });
    return before.size();
  }
}
