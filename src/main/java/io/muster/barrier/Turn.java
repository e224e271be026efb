package io.muster.barrier;

import io.muster.barrier.BarrierEffect.Timer;
import io.muster.barrier.BarrierState.Hedge;
import io.muster.barrier.BarrierState.Task;
import io.muster.barrier.BarrierState.Told;
import io.muster.barrier.BarrierState.Work;
import io.muster.group.Member;
import io.muster.segment.EpochRecord;
import io.muster.segment.LostMember;
import io.muster.segment.RankEntry;
import io.muster.segment.ReadyMark;
import io.muster.segment.Schema;
import io.muster.segment.StoredBytes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** One transition in the making: a working copy of the state, and the effects so far. Lives for one call of the machine. */
final class Turn {
  private final BarrierSetup setup;
  private final List<BarrierEffect> effects = new ArrayList<>();
  private final Map<Integer, Seat> seats;
  private Map<Integer, Seen<RankEntry>> ranks;
  private Map<Integer, Seen<ReadyMark>> marks;
  private final Set<Integer> writingMarks;
  private @Nullable Seen<EpochRecord> record;
  private boolean reading;
  private boolean readNeeded;
  private boolean retrying;
  private boolean writingEpoch;
  private boolean gathering;
  private Hedge hedge;
  private Map<Integer, Seen<RankEntry>> rankNews;
  private Map<Integer, Seen<ReadyMark>> markNews;
  private Told told;

  Turn(BarrierSetup setup, BarrierState state) {
    this.setup = setup;
    seats = new TreeMap<>(state.seats());
    ranks = state.ranks(); // copied when they change: of most events they do not
    marks = state.marks();
    record = state.record();
    Work work = state.work();
    reading = work.reading();
    readNeeded = work.readNeeded();
    retrying = work.retrying();
    writingEpoch = work.writingEpoch();
    writingMarks = new HashSet<>(work.writingMarks());
    gathering = work.gathering();
    hedge = work.hedge();
    rankNews = work.news().ranks();
    markNews = work.news().marks();
    told = state.told();
  }

  BarrierMachine.Step step() {
    var work = new Work(reading, readNeeded, retrying, writingEpoch, writingMarks, gathering, hedge,
        new BarrierState.News(rankNews, markNews));
    return new BarrierMachine.Step(new BarrierState(seats, record, ranks, marks, work, told), effects);
  }

  // ---- what is known

  void lost(int rank, LostMember loss) {
    Seat seat = seats.get(rank);
    if (seat == null) {
      return;
    }
    Seat.LinkView link = seat.links().get(loss.member().rank());
    if (link == null || !link.peer().equals(loss.member())) {
      return;
    }
    Seat without = seat.with(loss.member().rank(), null);
    if (seat.isLeaving()) { // the others close their ends because of it: nobody is to blame
      seats.put(rank, without);
      return;
    }
    seats.put(rank, without.lost(loss));
    EpochRecord epoch = epoch();
    if (epoch != null && epoch.state() == EpochRecord.State.COMPLETE && seat.isIn(epoch)) {
      tellDegraded(epoch.number(), List.of(loss));
    }
  }

  /** A rank that leaves ends its epoch first, also where another write to the record is still under way. */
  void release(int rank) {
    Seat seat = seats.get(rank);
    if (seat != null && seat.isLeaving()) {
      seats.put(rank, seat.release());
      dropReleased();
    } else {
      seats.remove(rank);
    }
  }

  private void dropReleased() {
    EpochRecord epoch = epoch();
    if (seats.values().stream().anyMatch(Seat::released)) {
      seats.values().removeIf(seat -> seat.released()
          && (epoch == null || !seat.isIn(epoch) || epoch.state() == EpochRecord.State.DEGRADED));
    }
  }

  void leave(int rank) {
    Seat seat = seats.get(rank);
    if (seat != null) {
      seats.put(rank, seat.leaving(new LostMember(seat.member(), "LEFT", "it left by its own will", rank)));
    }
  }

  void rankSeen(int rank, @Nullable Seen<RankEntry> seen) {
    RankEntry known = Seen.valueOf(ranks.get(rank));
    RankEntry value = Seen.valueOf(seen);
    if (value != null && (known == null || !known.supersedes(value))) {
      ranks = new HashMap<>(ranks);
      ranks.put(rank, seen);
      if (reading) {
        rankNews = new HashMap<>(rankNews);
        rankNews.put(rank, seen);
      }
    } else if (value == null && ranks.containsKey(rank)) {
      ranks = new HashMap<>(ranks);
      ranks.remove(rank);
      readNeeded = true;
    }
  }

  void markSeen(int rank, @Nullable Seen<ReadyMark> seen) {
    ReadyMark known = Seen.valueOf(marks.get(rank));
    ReadyMark value = Seen.valueOf(seen);
    if (value != null && (known == null || !known.supersedes(value))) {
      marks = new HashMap<>(marks);
      marks.put(rank, seen);
      if (reading) {
        markNews = new HashMap<>(markNews);
        markNews.put(rank, seen);
      }
    } else if (value == null && seats.containsKey(rank)) {
      readNeeded = true;
    }
  }

  void recordSeen(@Nullable Seen<EpochRecord> seen) {
    EpochRecord value = Seen.valueOf(seen);
    EpochRecord known = epoch();
    if (value != null && (known == null || value.supersedes(known))) {
      adopt(seen, false);
    } else if (value == null ? known != null : !value.equals(known) && (known == null || !known.supersedes(value))) {
      readNeeded = true;
    }
  }

  void peerSaw(long number, EpochRecord.State state) {
    EpochRecord known = epoch();
    readNeeded |= known == null || number > known.number() || (number == known.number() && state.compareTo(known.state()) > 0);
  }

  void readDone(BarrierEvent.ReadDone done) {
    reading = false;
    ranks = new HashMap<>(done.ranks());
    marks = new HashMap<>(done.marks());
    EpochRecord there = Seen.valueOf(done.basis());
    EpochRecord known = epoch();
    if (there != null && (known == null || there.supersedes(known))) {
      adopt(done.basis(), false);
    } else if (there != null && !known.supersedes(there) && there.vector().equals(known.vector())) {
      // The two halves of a split have written the same outcome in different bytes: the ones that the store holds are those to build on.
      record = done.basis();
    }
    degradeOrReassert(done.basis());
    if (!writingEpoch && !gathering && sameBytes(done.basis(), record)) {
      completeOrOpen(done.basis());
    }
    keepNews();
  }

  /** Decided is only from what was read; but what was heard meanwhile may be newer than that, and won't be told again. */
  private void keepNews() {
    rankNews.forEach((rank, heard) -> {
      RankEntry entry = Seen.valueOf(ranks.get(rank));
      if (entry == null || Objects.requireNonNull(heard.value()).supersedes(entry)) {
        ranks.put(rank, heard);
      }
    });
    markNews.forEach((rank, heard) -> {
      ReadyMark mark = Seen.valueOf(marks.get(rank));
      if (mark == null || Objects.requireNonNull(heard.value()).supersedes(mark)) {
        marks.put(rank, heard);
      }
    });
    rankNews = Map.of();
    markNews = Map.of();
  }

  void recordWritten(Seen<EpochRecord> written, boolean applied) {
    writingEpoch = false;
    EpochRecord value = Seen.valueOf(written);
    EpochRecord known = epoch();
    if (!applied || value == null) {
      readNeeded = true;
      return;
    }
    effects.add(new BarrierEffect.SpreadRecord(written));
    if (known == null || value.equals(known) || value.supersedes(known) || !value.vector().equals(known.vector())) {
      adopt(written, true);
    } else if (value.state() == EpochRecord.State.COMPLETE) {
      publishAllConnected(value);
    }
  }

  void markWritten(int rank, Seen<ReadyMark> written, boolean applied) {
    writingMarks.remove(rank);
    if (applied) {
      markSeen(rank, written);
      effects.add(new BarrierEffect.SpreadMark(written));
    } else {
      readNeeded = true;
    }
  }

  private void adopt(@Nullable Seen<EpochRecord> next, boolean mine) {
    record = next;
    EpochRecord value = epoch();
    if (value == null) {
      return;
    }
    if (value.state() == EpochRecord.State.COMPLETE) {
      completed(value, mine);
    } else if (value.lastComplete() > 0 && (value.number() > value.lastComplete() || value.state() == EpochRecord.State.DEGRADED)) {
      ended(value, mine);
    }
  }

  private void completed(EpochRecord value, boolean mine) {
    if (mine) {
      publishAllConnected(value);
    } else if (told.busAllConnected() < value.number()) {
      effects.add(new BarrierEffect.StartTimer(Timer.REPUBLISH, setup.republishHedgeMs()));
    }
    if (told.allConnected() < value.number() && believes(value)) {
      told = new Told(value.number(), told.degraded(), told.busAllConnected(), told.busDegraded());
      effects.add(new BarrierEffect.CompleteWaiters(value));
    }
  }

  private void publishAllConnected(EpochRecord value) {
    if (told.busAllConnected() < value.number()) {
      told = new Told(told.allConnected(), told.degraded(), value.number(), told.busDegraded());
      effects.add(new BarrierEffect.PublishAllConnected(value));
    }
  }

  /** The end of an epoch is never published before its beginning. */
  private void publishDegraded(EpochRecord value) {
    long epoch = value.lastComplete();
    if (told.busDegraded() >= epoch) {
      return;
    }
    if (value.number() == epoch) {
      publishAllConnected(value.complete());
    }
    told = new Told(told.allConnected(), told.degraded(), told.busAllConnected(), epoch);
    effects.add(new BarrierEffect.PublishDegraded(epoch, value.lost()));
  }

  /** Some seat of this process is in the vector, and each that is has marked exactly it and has lost nothing since. */
  private boolean believes(EpochRecord value) {
    List<Seat> concerned = seats.values().stream().filter(seat -> seat.isIn(value)).toList();
    return !concerned.isEmpty() && concerned.stream().allMatch(seat -> seat.hasMarked(value) && seat.poisoned() < value.number());
  }

  private void ended(EpochRecord value, boolean mine) {
    long epoch = value.lastComplete();
    if (told.degraded() < epoch) {
      tellDegraded(epoch, value.lost());
    }
    if (mine) {
      publishDegraded(value);
    } else if (told.busDegraded() < epoch) {
      effects.add(new BarrierEffect.StartTimer(Timer.REPUBLISH, setup.republishHedgeMs()));
    }
  }

  private void tellDegraded(long epoch, List<LostMember> lost) {
    told = new Told(told.allConnected(), Math.max(told.degraded(), epoch), told.busAllConnected(), told.busDegraded());
    effects.add(new BarrierEffect.TellDegraded(epoch, lost));
  }

  void heardAllConnected(long epoch) {
    told = new Told(told.allConnected(), told.degraded(), Math.max(told.busAllConnected(), epoch), told.busDegraded());
    EpochRecord known = epoch();
    readNeeded |= known == null || known.number() < epoch;
  }

  void heardDegraded(long epoch) {
    told = new Told(told.allConnected(), told.degraded(), told.busAllConnected(), Math.max(told.busDegraded(), epoch));
    EpochRecord known = epoch();
    readNeeded |= known == null || (known.number() <= epoch && known.state() != EpochRecord.State.DEGRADED);
  }

  /** Nobody was heard to publish what the record says: do it. */
  void republish() {
    EpochRecord value = epoch();
    if (value == null) {
      return;
    }
    if (value.state() == EpochRecord.State.COMPLETE) {
      publishAllConnected(value);
    } else if (value.lastComplete() > 0) {
      publishDegraded(value);
    }
  }

  // ---- what follows from it

  void act() {
    dropReleased();
    EpochRecord epoch = epoch();
    if (epoch != null && epoch.state() != EpochRecord.State.DEGRADED && !reading && !readNeeded) {
      degrade(epoch);
    }
    if (epoch != null && epoch.state() == EpochRecord.State.OPEN) {
      seats.values().forEach(seat -> mark(epoch, seat));
    }
    if (reading || retrying) {
      return;
    }
    if (readNeeded) {
      read(true);
      return;
    }
    Task task = wanted();
    if (task != Task.NONE && !writingEpoch && !gathering && isMyTurn(task)) {
      hedge = Hedge.NONE;
      read(false);
    }
  }

  private void read(boolean recordFirst) {
    reading = true;
    rankNews = Map.of();
    markNews = Map.of();
    readNeeded = false;
    effects.add(new BarrierEffect.ReadAll(recordFirst, record));
  }

  /**
   * A seat that has lost a link since its mark, or that is not connected in a COMPLETE epoch, ends the epoch; but never on bytes that the
   * store is not known to hold: a write that fails for that reason again and again would keep every read from being looked at.
   */
  private void degrade(EpochRecord epoch) {
    if (writingEpoch || gathering || losses(epoch).isEmpty()) {
      return;
    }
    boolean leaving = losses(epoch).values().stream().allMatch(loss -> loss.reason().equals("LEFT"));
    if (leaving || setup.gatherMs() == 0) {
      writeDegraded(epoch, Seen.bytesOf(record));
    } else {
      gathering = true;
      effects.add(new BarrierEffect.StartTimer(Timer.GATHER, setup.gatherMs()));
    }
  }

  void gathered() {
    gathering = false;
    EpochRecord epoch = epoch();
    if (epoch != null && !writingEpoch && epoch.state() != EpochRecord.State.DEGRADED && !losses(epoch).isEmpty()) {
      writeDegraded(epoch, Seen.bytesOf(record));
    }
  }

  private Map<Integer, LostMember> losses(EpochRecord epoch) {
    Map<Integer, LostMember> all = new LinkedHashMap<>();
    for (Seat seat : seats.values()) {
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

  private void writeDegraded(EpochRecord epoch, @Nullable StoredBytes expected) {
    List<LostMember> lost = List.copyOf(losses(epoch).values());
    if (epoch.state() == EpochRecord.State.COMPLETE && told.degraded() >= epoch.number() && lost.size() > 1) {
      effects.add(new BarrierEffect.TellDegraded(epoch.number(), lost));
    }
    write(expected, epoch.degraded(lost));
  }

  private void mark(EpochRecord epoch, Seat seat) {
    int rank = seat.member().rank();
    if (!seat.isIn(epoch) || seat.poisoned() >= epoch.number() || writingMarks.contains(rank) || retrying) {
      return;
    }
    if (seat.marked() == epoch.number() ? !seat.hasMarked(epoch) : !seat.isConnectedToAllOf(epoch)) {
      return;
    }
    ReadyMark there = Seen.valueOf(marks.get(rank));
    if (there != null && there.member().equals(seat.member()) && there.epoch() == epoch.number()) {
      return;
    }
    var mark = new ReadyMark(setup.group(), seat.member(), epoch.number(), epoch.digest(), seat.proofs());
    if (there != null && there.supersedes(mark)) {
      return;
    }
    seats.put(rank, seat.marking(epoch));
    writingMarks.add(rank);
    effects.add(new BarrierEffect.WriteMark(rank, Seen.bytesOf(marks.get(rank)), new Seen<>(Schema.encode(mark), mark)));
  }

  private Task wanted() {
    if (seats.isEmpty()) {
      return Task.NONE;
    }
    return canComplete() ? Task.COMPLETE : nextVector() != null ? Task.OPEN : Task.NONE;
  }

  /** The process of the lowest live rank goes first; each further one waits a little longer. */
  private boolean isMyTurn(Task task) {
    EpochRecord epoch = epoch();
    long number = epoch == null ? 0 : epoch.number();
    if (hedge.what() == task && hedge.epoch() == number) {
      return hedge.passed();
    }
    int before = processesBefore();
    if (before == 0) {
      return true;
    }
    hedge = new Hedge(task, number, false);
    effects.add(new BarrierEffect.StartTimer(Timer.HEDGE, setup.hedgeMs() * Math.min(before, 8)));
    return false;
  }

  private int processesBefore() {
    int lowest = seats.keySet().iterator().next();
    Set<Object> before = new HashSet<>();
    ranks.forEach((rank, seen) -> {
      RankEntry entry = seen.value();
      if (rank < lowest && entry != null && entry.isLive() && !entry.handle().process().equals(setup.process())) {
        before.add(entry.handle().process());
      }
    });
    return before.size();
  }

  private boolean canComplete() {
    EpochRecord epoch = epoch();
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
  private @Nullable List<Member> nextVector() {
    List<Member> vector = new ArrayList<>(setup.worldSize());
    EpochRecord epoch = epoch();
    boolean newer = epoch == null || epoch.state() == EpochRecord.State.DEGRADED;
    boolean mine = false;
    for (int rank = 0; rank < setup.worldSize(); rank++) {
      RankEntry entry = Seen.valueOf(ranks.get(rank));
      if (entry == null || !entry.isLive() || entry.worldSize() != setup.worldSize()) {
        return null;
      }
      Member member = entry.member();
      if (epoch != null) {
        Member former = epoch.vector().get(rank);
        if (former.isNewerThan(member)) {
          return null;
        }
        newer |= member.isNewerThan(former);
      }
      Seat seat = seats.get(rank);
      if (seat != null && seat.isLeaving() && seat.member().equals(member)) {
        return null;
      }
      mine |= seat != null && seat.member().equals(member);
      vector.add(member);
    }
    return newer && mine ? vector : null;
  }

  /** The decision from what was read afresh, based on the record that was known before. */
  private void completeOrOpen(@Nullable Seen<EpochRecord> basis) {
    EpochRecord epoch = epoch();
    if (epoch != null && canComplete()) {
      write(Seen.bytesOf(basis), epoch.complete());
      return;
    }
    List<Member> vector = nextVector();
    if (vector != null && (epoch == null || epoch.worldSize() == setup.worldSize())) {
      long number = epoch == null ? 1 : epoch.number() + 1;
      write(Seen.bytesOf(basis), new EpochRecord(setup.group(), number, vector, EpochRecord.State.OPEN,
          epoch == null ? 0 : epoch.lastComplete(), epoch == null ? List.of() : lostBy(epoch, vector)));
    }
  }

  /** Who is lost from the last complete epoch when this vector opens: whoever was lost already, or has been succeeded by a newer life. */
  private List<LostMember> lostBy(EpochRecord epoch, List<Member> vector) {
    if (epoch.state() != EpochRecord.State.COMPLETE) {
      return epoch.lost();
    }
    int reporter = seats.keySet().iterator().next();
    return epoch.vector().stream().filter(former -> !vector.get(former.rank()).equals(former))
        .map(former -> new LostMember(former, "RESTARTED", "a newer life holds its seat: " + vector.get(former.rank()), reporter))
        .toList();
  }

  /** The store holds less than what was seen before, or another vector under the same number. */
  private void degradeOrReassert(@Nullable Seen<EpochRecord> there) {
    EpochRecord known = epoch();
    EpochRecord value = Seen.valueOf(there);
    if (writingEpoch || known == null || sameBytes(there, record)) {
      return;
    }
    if (value != null && value.number() == known.number() && !value.vector().equals(known.vector())) {
      if (!known.supersedes(value)) {
        record = there;
      }
      write(Seen.bytesOf(there), (known.supersedes(value) ? known : value).degraded(List.of()));
    } else if (value == null || known.supersedes(value)) {
      write(Seen.bytesOf(there), known);
    }
  }

  private void write(@Nullable StoredBytes expected, EpochRecord next) {
    var bytes = Schema.encode(next);
    if (bytes.equals(expected)) {
      return;
    }
    writingEpoch = true;
    effects.add(new BarrierEffect.WriteRecord(expected, new Seen<>(bytes, next)));
  }

  private static boolean sameBytes(@Nullable Seen<EpochRecord> one, @Nullable Seen<EpochRecord> other) {
    return one == null ? other == null : other != null && one.bytes().equals(other.bytes());
  }

  // ---- working copy

  BarrierSetup setup() {
    return setup;
  }

  Map<Integer, Seat> seats() {
    return seats;
  }

  Set<Integer> writingMarks() {
    return writingMarks;
  }

  private @Nullable EpochRecord epoch() {
    return Seen.valueOf(record);
  }

  void reading(boolean value) {
    reading = value;
  }

  void writingEpoch(boolean value) {
    writingEpoch = value;
  }

  void needRead() {
    readNeeded = true;
  }

  void retry() {
    readNeeded = true;
    if (!retrying) {
      retrying = true;
      effects.add(new BarrierEffect.StartTimer(Timer.RETRY, setup.retryMs()));
    }
  }

  void retryNow() {
    retrying = false;
    readNeeded = true;
  }

  Hedge hedge() {
    return hedge;
  }

  void hedge(Hedge next) {
    hedge = next;
  }
}
