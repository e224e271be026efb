package io.muster.barrier;

import io.muster.group.Member;
import io.muster.group.Proof;
import io.muster.peer.LinkEvent;
import io.muster.segment.Decoded;
import io.muster.segment.EpochRecord;
import io.muster.segment.RankEntry;
import io.muster.segment.ReadyMark;
import io.muster.segment.Schema;
import io.muster.segment.SegmentHandle;
import io.muster.segment.SegmentStore;
import io.muster.segment.StoreKeys;
import io.muster.segment.StoredBytes;
import io.vertx.core.Future;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One group in one process: carries what happens between the store, the seats, the links and the barrier. Everything from outside comes
 * through {@link GroupPorts}, so that a simulation runs this very class on a virtual clock. Lives on one context; no method may be called
 * from another.
 */
public final class GroupCore {
  private static final Logger LOG = LoggerFactory.getLogger(GroupCore.class);
  /** So many ranks are looked at, also where the world is smaller, to see that others have a larger one. */
  private static final int LOOK_AROUND = 64;

  private final BarrierSetup setup;
  private final GroupPorts ports;
  private final StoreKeys keys;
  /** Changed on the group's context only; whoever is asked who holds a rank reads it on another. */
  private final Map<Integer, SeatState> seats = new ConcurrentSkipListMap<>();
  private final Map<Integer, Seen<RankEntry>> directory = new HashMap<>();
  /** Greatest entry ever seen of each rank, also of those whose key has been lost. */
  private final Map<Integer, RankEntry> greatest = new HashMap<>();
  private final Map<Integer, String> rejected = new HashMap<>();
  /** Entries of living processes that have the group with another world size, by rank; ranks outside ours included. */
  private final Map<Integer, RankEntry> otherSizes = new TreeMap<>();
  private final Set<Integer> cleaning = new HashSet<>();
  /** Ranks whose entries were heard since the read that is under way began: what is read may be older. */
  private final Set<Integer> heardWhileReading = new HashSet<>();
  /** Ranks whose keys held nothing, and no epoch, when they were prepared: the first claim need not read, it is a compare-and-set on just that. */
  private final Set<Integer> absent = new HashSet<>();
  private final Map<BarrierEffect.Timer, Integer> timers = new HashMap<>();
  /** Written on the group's context only; the liveness answers of other contexts read it. */
  private volatile BarrierState barrier = BarrierState.INITIAL;
  private SegmentStore.@Nullable PresentMembers present;
  private final Deque<Runnable> turns = new ArrayDeque<>();
  private boolean running;
  private boolean closed;

  public GroupCore(BarrierSetup setup, GroupPorts ports) {
    this.setup = setup;
    this.ports = ports;
    this.keys = new StoreKeys(setup.group());
  }

  // ---- what the application wants

  /** Reads the key of a rank that is going to be joined, so that joining has one step less. Completes in any case. */
  public Future<?> lookAhead(int rank) {
    return ports.store().getAll(Set.of(keys.rank(rank), keys.epoch())).map(Map::isEmpty).otherwise(false).onSuccess(nothingThere -> {
      if (nothingThere) {
        absent.add(rank);
      }
    });
  }

  public void join(int rank, SegmentHandle handle) {
    seats.put(rank, new SeatState.Idle());
    seat(rank, new SeatEvent.ClaimRequested(handle));
  }

  /** Publishes a changed handle of a rank that has its seat, or will have it. */
  public void changeHandle(int rank, SegmentHandle handle) {
    seat(rank, new SeatEvent.HandleChanged(handle));
  }

  public void leave(int rank) {
    barrier(new BarrierEvent.SeatLeaving(rank));
    seat(rank, new SeatEvent.LeaveRequested());
  }

  /** Nothing that arrives after this is looked at. */
  public void close() {
    closed = true;
  }

  // ---- what happens outside

  public void keyChanged(String key, @Nullable StoredBytes value) {
    if (closed) {
      return;
    }
    keys.parse(key, Member.MAX_WORLD_SIZE).filter(parsed -> isInside(parsed, value)).ifPresent(parsed -> {
      switch (parsed) {
        case StoreKeys.Key.Rank(int rank) -> rankSeen(rank, value);
        case StoreKeys.Key.Ready(int rank) -> barrier(new BarrierEvent.MarkSeen(rank, mark(rank, value)));
        case StoreKeys.Key.Epoch() -> barrier(new BarrierEvent.RecordSeen(record(value)));
      }
    });
  }

  /** False for a key of a rank that this world has not; such an entry tells that another process has a larger one. */
  private boolean isInside(StoreKeys.Key key, @Nullable StoredBytes value) {
    return switch (key) {
      case StoreKeys.Key.Rank(int rank) when rank >= setup.worldSize() -> {
        compareSize(rank, value == null ? null : Schema.rankEntry(value) instanceof Decoded.Valid<RankEntry>(RankEntry entry) ? entry : null);
        yield false;
      }
      case StoreKeys.Key.Ready(int rank) -> rank < setup.worldSize();
      case StoreKeys.Key.Rank _, StoreKeys.Key.Epoch _ -> true;
    };
  }

  public void linkConnected(int rank, Member peer, Proof proof) {
    barrier(new BarrierEvent.LinkConnected(rank, peer, proof));
  }

  public void linkLost(int rank, Member peer, String reason, String evidence) {
    barrier(new BarrierEvent.LinkLost(rank, peer, reason, evidence));
  }

  public void peerSaw(long epoch, EpochRecord.State state) {
    barrier(new BarrierEvent.PeerSaw(epoch, state));
  }

  public void allConnectedHeard(long epoch) {
    barrier(new BarrierEvent.AllConnectedHeard(epoch));
  }

  public void degradedHeard(long epoch) {
    barrier(new BarrierEvent.DegradedHeard(epoch));
  }

  /** Looks at everything again: events are best effort. */
  public void reconcile() {
    barrier(new BarrierEvent.Reconcile());
    seats.forEach((rank, state) -> {
      if (state instanceof SeatState.Held) {
        store(ports.store().get(keys.rank(rank)), value -> rankSeen(rank, value), _ -> { });
      }
    });
    membersChanged(ports.store().presentMembers());
  }

  public void membersChanged(SegmentStore.PresentMembers now) {
    present = now;
    clean();
  }

  // ---- what is known

  /**
   * Whether this process holds the life, or may: a claim that is being written may have been applied already, and a newcomer that has read
   * it must not take the seat of a process that answers. May be called from any thread.
   */
  public boolean holds(Member member) {
    return switch (seats.get(member.rank())) {
      case SeatState.Held held -> held.member().equals(member);
      case SeatState.Claiming(var _, var next) -> next.value() != null && next.value().member().equals(member);
      case SeatState.Leaving(var current, int _) -> current.value() != null && current.value().member().equals(member);
      case SeatState.Idle _, SeatState.Looking _, SeatState.AskingIncumbent _, SeatState.AskingWitnesses _, SeatState.Pausing _,
          SeatState.Ended _ -> false;
      case null -> false;
    };
  }

  public BarrierState barrier() {
    return barrier;
  }

  public Map<Integer, SeatState> seats() {
    return seats;
  }

  /** Newest valid entry of each rank. */
  public Map<Integer, Seen<RankEntry>> directory() {
    return directory;
  }

  /** Why the key of a rank holds no valid entry, by rank. */
  public Map<Integer, String> rejected() {
    return rejected;
  }

  // ---- the world size

  /**
   * Looks whether living processes have this group with another world size; to be asked before the first rank of this process is claimed.
   *
   * @return a sentence that says who, or null; also null if the store does not answer, since the same is found later then
   */
  public Future<@Nullable String> disagreement() {
    return ports.store().getAll(keys.ranks(Math.max(2 * setup.worldSize(), LOOK_AROUND))).map(values -> {
      values.forEach((key, value) -> keys.parse(key, Member.MAX_WORLD_SIZE).ifPresent(parsed -> {
        if (parsed instanceof StoreKeys.Key.Rank(int rank) && Schema.rankEntry(value) instanceof Decoded.Valid<RankEntry>(RankEntry entry)) {
          compareSize(rank, entry);
        }
      }));
      return otherSizes.isEmpty() ? null : disagreement(otherSizes.values().iterator().next());
    }).otherwise((String) null);
  }

  private String disagreement(RankEntry other) {
    return "world sizes disagree: group " + setup.group() + " has " + other.worldSize() + " ranks in pid " + other.handle().pid() + " at "
        + other.handle().host() + ":" + other.handle().port() + " (rank " + other.member().rank() + "), and " + setup.worldSize()
        + " here; start all ranks with the same world size";
  }

  /** Of two processes that disagree the later one is told: it is the one that somebody is just starting. */
  private void compareSize(int rank, @Nullable RankEntry entry) {
    if (entry == null || entry.worldSize() == setup.worldSize() || !entry.isLive() || !entry.group().equals(setup.group())
        || entry.member().rank() != rank || !isPresent(ports.store().presentMembers(), entry.handle())) {
      otherSizes.remove(rank);
      return;
    }
    otherSizes.put(rank, entry);
    if (seats.values().stream().anyMatch(seat -> seat instanceof SeatState.Held held && isLater(held.member(), entry.member()))) {
      ports.listener().worldSizesDisagree(disagreement(entry));
    }
  }

  private static boolean isLater(Member one, Member other) {
    return one.incarnation() != other.incarnation() ? one.incarnation() > other.incarnation() : one.rank() > other.rank();
  }

  // ---- entries

  private void rankSeen(int rank, @Nullable StoredBytes value) {
    Seen<RankEntry> seen = entry(rank, value);
    if (seen != null) {
      heardWhileReading.add(rank);
    }
    if (seats.containsKey(rank)) {
      seat(rank, new SeatEvent.KeySeen(seen));
    }
    barrier(new BarrierEvent.RankSeen(rank, seen));
    direct(rank, seen);
  }

  /** Tells the links what the key of their peer holds, once per change. */
  private void direct(int rank, @Nullable Seen<RankEntry> seen) {
    Seen<RankEntry> known = directory.get(rank);
    RankEntry entry = Seen.valueOf(seen);
    RankEntry before = Seen.valueOf(known);
    if (entry != null) {
      greatest.merge(rank, entry, (old, next) -> next.supersedes(old) || isLiveAfterAll(next, old) ? next : old);
    }
    if (entry == null) {
      directory.remove(rank);
      if (seen != null) {
        tellLinks(rank, new LinkEvent.HandleRejected(rejected.getOrDefault(rank, "not a valid entry")));
      } else if (before != null) {
        tellLinks(rank, new LinkEvent.HandleWithdrawn(before.member(), "published, then vanished from the store"));
      }
    } else if (before == null || entry.supersedes(before) || isLiveAfterAll(entry, before)) {
      directory.put(rank, seen);
      if (before == null || !before.member().equals(entry.member())) {
        ports.listener().memberSeen(entry.member());
      }
      tellLinks(rank, linkEvent(entry));
    }
  }

  /**
   * GONE was written in one half of a split and is dropped by the merge: its owner never saw it and won't write again, so the order of
   * values must not hide that the key holds LIVE now. Either is only a hint to the links.
   */
  private static boolean isLiveAfterAll(RankEntry entry, RankEntry before) {
    return entry.isLive() && before.state() == RankEntry.State.GONE && entry.member().equals(before.member());
  }

  private LinkEvent linkEvent(RankEntry entry) {
    return switch (entry.state()) {
      case LIVE -> new LinkEvent.HandlePublished(entry, ports.reach(entry));
      case GONE -> new LinkEvent.HandleWithdrawn(entry.member(), "published, then its process (pid " + entry.handle().pid() + " at "
          + entry.handle().host() + ") left the cluster without a word");
      case LEFT -> new LinkEvent.PeerLeft(entry.member(), "left by its own will");
    };
  }

  private void tellLinks(int peer, LinkEvent event) {
    seats.forEach((rank, state) -> {
      if (state instanceof SeatState.Held) {
        ports.tellLink(rank, peer, event);
      }
    });
  }

  private void openLinks(Member self) {
    ports.openLinks(self);
    ports.tellLink(self.rank(), self.rank(), new LinkEvent.Started());
    directory.forEach((rank, seen) -> {
      if (rank != self.rank() && seen.value() != null) {
        ports.tellLink(self.rank(), rank, linkEvent(seen.value()));
      }
    });
    rejected.forEach((rank, reason) -> ports.tellLink(self.rank(), rank, new LinkEvent.HandleRejected(reason)));
  }

  /** Marks the entries of processes that have gone from the cluster as GONE, by compare-and-set on the exact bytes seen. */
  private void clean() {
    SegmentStore.PresentMembers now = present;
    if (now == null || closed) {
      return;
    }
    new TreeMap<>(directory).forEach((rank, seen) -> {
      RankEntry entry = seen.value();
      if (entry != null && entry.isLive() && !isPresent(now, entry.handle()) && cleaning.add(rank)) {
        var gone = new RankEntry(entry.group(), entry.worldSize(), entry.member(), RankEntry.State.GONE, entry.revision(), entry.handle());
        StoredBytes next = Schema.encode(gone);
        store(ports.store().compareAndSet(keys.rank(rank), seen.bytes(), next), applied -> {
          cleaning.remove(rank);
          if (applied) {
            LOG.info("muster.rank.gone group={} rank={} incarnation={} pid={} host={}", setup.group(), rank,
                entry.member().incarnation(), entry.handle().pid(), entry.handle().host());
            rankSeen(rank, next);
          }
        }, _ -> cleaning.remove(rank));
      }
    });
  }

  /**
   * Writes the tombstone of a life again whose entry the store has lost, if nobody else can: the next life must claim above it, or nobody
   * who has seen the greater one would ever connect to it.
   */
  private void restore(int rank, @Nullable Seen<RankEntry> there) {
    RankEntry known = greatest.get(rank);
    RankEntry value = Seen.valueOf(there);
    boolean isLost = known != null && (there == null || (value != null && known.member().isNewerThan(value.member())));
    SegmentStore.PresentMembers now = present;
    if (!isLost || now == null || mayAssertItself(now, known) || !cleaning.add(rank)) {
      return;
    }
    StoredBytes next = Schema.encode(known.with(known.isLive() ? RankEntry.State.GONE : known.state(), known.handle()));
    store(ports.store().compareAndSet(keys.rank(rank), Seen.bytesOf(there), next), applied -> {
      cleaning.remove(rank);
      if (applied) {
        LOG.info("muster.rank.restored group={} rank={} incarnation={}", setup.group(), rank, known.member().incarnation());
        rankSeen(rank, next);
      }
    }, _ -> cleaning.remove(rank));
  }

  /** A claim of this process that one half of a split has seen, and that it gave up after the merge, will never be asserted again. */
  private boolean mayAssertItself(SegmentStore.PresentMembers now, RankEntry entry) {
    return entry.handle().process().equals(setup.process()) ? holds(entry.member()) : isPresent(now, entry.handle());
  }

  private boolean isPresent(SegmentStore.PresentMembers now, SegmentHandle handle) {
    return handle.process().equals(setup.process()) || now.processIds().contains(handle.process().toString())
        || now.memberUuids().contains(handle.memberUuid());
  }

  private @Nullable Seen<RankEntry> entry(int rank, @Nullable StoredBytes bytes) {
    Seen<RankEntry> seen = Seen.of(bytes, value -> {
      Decoded<RankEntry> decoded = switch (Schema.rankEntry(value)) {
        case Decoded.Valid<RankEntry>(RankEntry entry) when !entry.group().equals(setup.group()) ->
            new Decoded.Malformed<>("group: expected " + setup.group() + ", got " + entry.group());
        case Decoded.Valid<RankEntry>(RankEntry entry) when entry.member().rank() != rank ->
            new Decoded.Malformed<>("rank: expected " + rank + ", got " + entry.member().rank());
        case Decoded.Valid<RankEntry>(RankEntry entry) when entry.worldSize() != setup.worldSize() ->
            new Decoded.Malformed<>("world size: expected " + setup.worldSize() + ", got " + entry.worldSize() + " from pid "
                + entry.handle().pid() + " at " + entry.handle().host() + "; start all ranks with the same world size");
        case Decoded<RankEntry> other -> other;
      };
      if (decoded instanceof Decoded.Malformed<RankEntry> || !otherSizes.isEmpty()) {
        compareSize(rank, Schema.rankEntry(value) instanceof Decoded.Valid<RankEntry>(RankEntry entry) ? entry : null);
      }
      if (decoded instanceof Decoded.Malformed<RankEntry>(String reason) && !reason.equals(rejected.put(rank, reason))) {
        LOG.warn("muster.entry.rejected group={} rank={} reason={}", setup.group(), rank, reason);
      }
      return decoded;
    });
    if (seen == null) {
      otherSizes.remove(rank);
    }
    if (seen == null || seen.value() != null) {
      rejected.remove(rank);
    }
    return seen;
  }

  private @Nullable Seen<ReadyMark> mark(int rank, @Nullable StoredBytes bytes) {
    return Seen.of(bytes, value -> switch (Schema.readyMark(value)) {
      case Decoded.Valid<ReadyMark>(ReadyMark mark) when !mark.group().equals(setup.group()) || mark.member().rank() != rank ->
          new Decoded.Malformed<>("a mark of another rank or group");
      case Decoded<ReadyMark> other -> other;
    });
  }

  private @Nullable Seen<EpochRecord> record(@Nullable StoredBytes bytes) {
    return Seen.of(bytes, value -> switch (Schema.epochRecord(value)) {
      case Decoded.Valid<EpochRecord>(EpochRecord record)
          when !record.group().equals(setup.group()) || record.worldSize() != setup.worldSize() ->
          new Decoded.Malformed<>("a record of another group or world size");
      case Decoded<EpochRecord> other -> other;
    });
  }

  // ---- seats

  private void seat(int rank, SeatEvent event) {
    inTurn(() -> seatTurn(rank, event));
  }

  private void seatTurn(int rank, SeatEvent event) {
    SeatState state = seats.get(rank);
    if (state == null || closed) {
      return;
    }
    var step = SeatMachine.transition(new SeatMachine.Setup(setup.group(), setup.worldSize(), rank), state, event);
    seats.put(rank, step.next());
    step.effects().forEach(effect -> run(rank, effect));
  }

  private void run(int rank, SeatEffect effect) {
    switch (effect) {
      case SeatEffect.ReadKey() when absent.remove(rank) -> keyRead(rank, null);
      case SeatEffect.ReadKey() -> store(ports.store().getAll(Set.of(keys.rank(rank), keys.epoch())), values -> {
        StoredBytes epoch = values.get(keys.epoch());
        if (epoch != null) {
          barrier(new BarrierEvent.RecordSeen(record(epoch)));
        }
        inTurn(() -> keyRead(rank, entry(rank, values.get(keys.rank(rank)))));
      }, failure -> seat(rank, new SeatEvent.StoreFailed(failure)));
      case SeatEffect.WriteKey(var expected, var next) -> store(ports.store().compareAndSet(keys.rank(rank), expected, next.bytes()),
          applied -> {
            if (applied) {
              ports.spread(new Gossip(setup.group(), keys.rank(rank), next.bytes()));
            }
            seat(rank, new SeatEvent.Written(next.bytes(), applied));
          }, failure -> seat(rank, new SeatEvent.StoreFailed(failure)));
      case SeatEffect.AskIncumbent(RankEntry incumbent) -> ports.askIncumbent(incumbent).onComplete(asked -> {
        var answer = asked.succeeded() ? asked.result()
            : new GroupPorts.SeatAnswer(SeatEvent.IncumbentAnswered.Answer.SILENT, String.valueOf(asked.cause().getMessage()));
        seat(rank, new SeatEvent.IncumbentAnswered(answer.answer(), answer.detail(), ticket(rank)));
      });
      case SeatEffect.AskWitnesses(RankEntry incumbent) -> ports.askWitnesses(incumbent, witnesses(incumbent)).onComplete(asked -> {
        var answer = asked.succeeded() ? asked.result() : new GroupPorts.WitnessAnswer(false, "");
        seat(rank, new SeatEvent.WitnessesAnswered(answer.reachable(), answer.detail(), ticket(rank)));
      });
      case SeatEffect.Pause(long ms) -> ports.after(ms, () -> seat(rank, new SeatEvent.PauseOver()));
      case SeatEffect.Take(RankEntry entry) -> taken(entry);
      case SeatEffect.End(var member, var end, String reason) -> {
        if (member != null) {
          barrier(new BarrierEvent.SeatReleased(rank));
          ports.closeLinks(member, reason);
          tellLinks(rank, new LinkEvent.PeerLeft(member, reason));
        }
        ports.listener().seatEnded(rank, end, reason);
      }
    }
  }

  private void keyRead(int rank, @Nullable Seen<RankEntry> seen) {
    RankEntry other = otherSizes.get(rank);
    if (other != null && !(seats.get(rank) instanceof SeatState.Held)) {
      seats.put(rank, new SeatState.Ended(disagreement(other), SeatState.End.TAKEN));
      ports.listener().seatEnded(rank, SeatState.End.TAKEN, disagreement(other));
    } else {
      seat(rank, new SeatEvent.KeyRead(seen, ticket(rank)));
    }
  }

  private void taken(RankEntry entry) {
    int rank = entry.member().rank();
    ports.listener().seatPublished(entry);
    Seat known = barrier.seats().get(rank);
    if (known == null || !known.member().equals(entry.member())) {
      barrier(new BarrierEvent.SeatTaken(entry.member()));
      openLinks(entry.member());
    }
    rankSeen(rank, Schema.encode(entry));
    ports.listener().seatTaken(entry);
    barrier(new BarrierEvent.Reconcile());
  }

  private List<RankEntry> witnesses(RankEntry incumbent) {
    return directory.values().stream().map(Seen::value).filter(entry -> entry != null && entry.isLive()
        && !entry.handle().process().equals(setup.process())
        && !entry.handle().process().equals(incumbent.handle().process())).map(RankEntry.class::cast).toList();
  }

  private SeatEvent.Ticket ticket(int rank) {
    EpochRecord epoch = barrier.epoch();
    return new SeatEvent.Ticket(epoch == null ? 0 : epoch.vector().get(rank).incarnation(), ports.wallClockMs(), ports.newLife());
  }

  // ---- the barrier

  private void barrier(BarrierEvent event) {
    inTurn(() -> {
      if (!closed) {
        var step = BarrierMachine.transition(setup, barrier, event);
        EpochRecord before = barrier.epoch();
        barrier = step.next();
        EpochRecord now = barrier.epoch();
        if (now != null && now != before && (before == null || now.number() != before.number() || now.state() != before.state())) {
          ports.listener().epochStage(now.number(), EpochStage.Stage.of(now.state()));
        }
        step.effects().forEach(this::run);
      }
    });
  }

  /** One transition with all its effects ends before the next begins, also where an effect is answered at once. */
  private void inTurn(Runnable turn) {
    turns.add(turn);
    if (running) {
      return;
    }
    running = true;
    try {
      for (Runnable next = turns.poll(); next != null; next = turns.poll()) {
        next.run();
      }
    } finally {
      running = false;
    }
  }

  private void run(BarrierEffect effect) {
    switch (effect) {
      case BarrierEffect.ReadAll(boolean recordFirst, var basis) -> readAll(recordFirst, basis);
      case BarrierEffect.WriteRecord(var expected, var next) ->
          store(ports.store().compareAndSet(keys.epoch(), expected, next.bytes()),
              applied -> barrier(new BarrierEvent.RecordWritten(next, applied)), _ -> barrier(new BarrierEvent.RecordWriteFailed()));
      case BarrierEffect.WriteMark(int rank, var expected, var next) ->
          store(ports.store().compareAndSet(keys.ready(rank), expected, next.bytes()),
              applied -> {
                if (applied && next.value() != null) {
                  ports.listener().epochStage(next.value().epoch(), EpochStage.Stage.MARKED);
                }
                barrier(new BarrierEvent.MarkWritten(rank, next, applied));
              },
              _ -> barrier(new BarrierEvent.MarkWriteFailed(rank)));
      case BarrierEffect.StartTimer(var timer, long delayMs) -> startTimer(timer, delayMs);
      case BarrierEffect.SpreadRecord(var record) -> ports.spread(new Gossip(setup.group(), keys.epoch(), record.bytes()));
      case BarrierEffect.SpreadMark(var mark) -> {
        if (mark.value() != null) {
          ports.spread(new Gossip(setup.group(), keys.ready(mark.value().member().rank()), mark.bytes()));
        }
      }
      case BarrierEffect.CompleteWaiters(var record) -> ports.listener().allConnected(record);
      case BarrierEffect.PublishAllConnected(var record) -> ports.listener().publishAllConnected(record);
      case BarrierEffect.TellDegraded(long epoch, var lost) -> ports.listener().degradedHere(epoch, lost);
      case BarrierEffect.PublishDegraded(long epoch, var lost) -> ports.listener().publishDegraded(epoch, lost);
    }
  }

  private void startTimer(BarrierEffect.Timer timer, long delayMs) {
    int run = timers.merge(timer, 1, Integer::sum);
    long delay = timer == BarrierEffect.Timer.REPUBLISH ? ports.randomUpTo(delayMs) : delayMs;
    ports.after(delay, () -> {
      if (timers.get(timer) == run) {
        barrier(new BarrierEvent.TimerFired(timer));
      }
    });
  }

  private void readAll(boolean recordFirst, @Nullable Seen<EpochRecord> basis) {
    heardWhileReading.clear();
    Set<String> all = new HashSet<>(keys.ranks(setup.worldSize()));
    for (int rank = 0; rank < setup.worldSize(); rank++) {
      all.add(keys.ready(rank));
    }
    Future<@Nullable Seen<EpochRecord>> first =
        recordFirst ? ports.store().get(keys.epoch()).map(this::record) : Future.succeededFuture(basis);
    store(first.compose(based -> ports.store().getAll(all).map(values -> new Fresh(based, values))), this::readDone,
        _ -> barrier(new BarrierEvent.ReadFailed()));
  }

  private record Fresh(@Nullable Seen<EpochRecord> basis, Map<String, StoredBytes> values) {}

  private void readDone(Fresh fresh) {
    Map<Integer, Seen<RankEntry>> ranks = new HashMap<>();
    Map<Integer, Seen<ReadyMark>> marks = new HashMap<>();
    for (int rank = 0; rank < setup.worldSize(); rank++) {
      StoredBytes stored = fresh.values().get(keys.rank(rank));
      Seen<RankEntry> entry = known(rank, stored);
      if (entry != null) {
        ranks.put(rank, entry);
      }
      Seen<ReadyMark> mark = mark(rank, fresh.values().get(keys.ready(rank)));
      if (mark != null) {
        marks.put(rank, mark);
      }
      SeatState state = seats.get(rank);
      if (state instanceof SeatState.Held) {
        seat(rank, new SeatEvent.KeySeen(entry));
      }
      if (entry != null || !heardWhileReading.contains(rank)) {
        direct(rank, entry);
        restore(rank, entry);
      }
    }
    barrier(new BarrierEvent.ReadDone(fresh.basis(), ranks, marks));
    remind();
  }

  /** A link that was told once and has gone back to waiting since is told again; where it is known already, nothing changes. */
  private void remind() {
    barrier.seats().forEach((rank, seat) -> directory.forEach((peer, seen) -> {
      RankEntry entry = seen.value();
      if (entry != null && entry.isLive() && !peer.equals(rank) && seat.links().get(peer) == null) {
        ports.tellLink(rank, peer, linkEvent(entry));
      }
    }));
  }

  /** Decodes an entry, unless these very bytes were decoded before. */
  private @Nullable Seen<RankEntry> known(int rank, @Nullable StoredBytes stored) {
    Seen<RankEntry> before = directory.get(rank);
    return before != null && before.bytes().equals(stored) ? before : entry(rank, stored);
  }

  private <T> void store(Future<T> operation, Consumer<T> done, Consumer<String> failed) {
    operation.onComplete(outcome -> {
      if (closed) {
        return;
      }
      if (outcome.succeeded()) {
        ports.listener().storeTrouble(null);
        done.accept(outcome.result());
      } else {
        String reason = String.valueOf(outcome.cause().getMessage());
        ports.listener().storeTrouble(reason);
        failed.accept(reason);
      }
    });
  }
}
