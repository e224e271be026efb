// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.epoch.BarrierEffect;
import io.muster.epoch.BarrierEvent;
import io.muster.epoch.BarrierMachine;
import io.muster.epoch.BarrierSetup;
import io.muster.epoch.BarrierState;
import io.muster.epoch.BarrierStep;
import io.muster.group.Member;
import io.muster.group.Proof;
import io.muster.peer.LinkEvent;
import io.muster.seat.SeatEvent;
import io.muster.seat.SeatState;
import io.muster.segment.EpochRecord;
import io.muster.segment.KeyOwner;
import io.muster.segment.RankEntry;
import io.muster.segment.ReadyMark;
import io.muster.segment.SegmentHandle;
import io.muster.segment.Versioned;
import io.muster.store.SegmentStore;
import io.muster.store.StoreKeys;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * One group in one process: connects the store, the seats, the links and the barrier.
 *
 * <p><b>What it holds.</b> One {@link BarrierState}, one {@link SeatState} per joined rank ({@link SeatRunner}), the
 * newest entries ({@link Directory}), the tombstones that repair the store ({@link Tombstones}), and the check of the
 * world size ({@link WorldSizes}). The decisions are in {@link BarrierMachine} and in the seat machine. This class
 * decodes values, feeds events to the machines and runs their effects.
 *
 * <p><b>Threads.</b> It lives on one context. Methods may be called only there, except {@link #holds}, {@link #claims}
 * and {@link #barrier()}, which read concurrent or volatile state. Everything from outside comes through
 * {@link GroupPorts}, so the simulation runs this class unchanged on a virtual clock.
 *
 * <p><b>Order of events.</b> {@link SerialQueue} runs one transition with all its effects before the next. An effect
 * may be answered synchronously; its answer is then queued. A changed rank key goes to three receivers in this order:
 * the seat of that rank, the barrier, and the links of the peers. After a read of everything the barrier comes last. A
 * transition of the barrier publishes its stage, then runs its effects, then ends seats of which a newer life is known.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>Nothing changes after {@link #close}: late answers and events are dropped.
 *   <li>Each stage of an epoch is reported once, in order.
 *   <li>A rank's key does not stay below the greatest life that was seen of it, in the store or on a link: an entry
 *       that no process restores is written again as a tombstone.
 * </ul>
 *
 * <p><b>The trap that shaped it.</b> The store's events are best effort and may overtake its answers. A read of
 * everything may lack an entry whose event arrived during the read. Such an absence must not withdraw the entry, so
 * {@link #seenWhileReading} names the ranks for which a missing key in the answer is older than the event. Events may
 * also be lost. {@link #reconcile} therefore reads everything again at intervals, and sends to the links again what
 * they may have missed.
 */
public final class GroupCore {
    /** After a proof that failed, marks are looked at again this much later. */
    private static final long PROVE_AGAIN_MS = 100;

    private final BarrierSetup setup;
    private final GroupPorts ports;
    private final StoreKeys keys;
    private final SerialQueue queue;
    private final SeatRunner seats;
    private final StoredValues values;
    private final WorldSizes sizes;
    private final Directory directory;
    private final Tombstones tombstones;
    private final LinkUpdates links;
    private final EpochClock clock;
    /** When each rank of this process was joined. */
    private final Map<Integer, Long> joinedNanos = new HashMap<>();
    /** Ranks whose entries arrived since the running read began: the read's result may be older. */
    private final Set<Integer> seenWhileReading = new HashSet<>();

    private final Map<BarrierEffect.Timer, Integer> timers = new HashMap<>();
    /** Whether idle paths are being proved again for a mark. */
    private boolean proving;
    /** Written on the group's context only; the liveness answers of other contexts read it. */
    private volatile BarrierState barrier = BarrierState.INITIAL;

    private SegmentStore.@Nullable PresentMembers present;
    private @Nullable EpochRecord lastStage;
    /** The marks that were read last for a report. */
    private final Map<Integer, ReadyMark> marksRead = new HashMap<>();
    /** Whether the next read belongs to a reconcile. */
    private boolean reconciling;

    public GroupCore(BarrierSetup setup, GroupPorts ports) {
        this.setup = setup;
        this.ports = ports;
        this.keys = new StoreKeys(setup.group());
        this.queue = new SerialQueue(ports);
        this.seats = new SeatRunner(setup, ports, queue, new SeatNeighbours());
        this.values = new StoredValues(setup);
        this.clock = new EpochClock(ports::nanoTime);
        this.sizes = new WorldSizes(setup, ports, seats.seats());
        this.directory = new Directory(setup, values, sizes, ports::nanoTime);
        this.tombstones = new Tombstones(setup, directory, new TombstonePorts());
        this.links = new LinkUpdates(ports, directory, seats.seats());
    }

    // ---- calls of the application

    /**
     * Prepares a rank that is going to be joined: reads its key, so that joining needs one step less, and dials the
     * processes that it will be linked to. Completes also if the read fails, and does not wait for the dials.
     */
    public Future<?> lookAhead(int rank) {
        lookForKeyOwner();
        return seats.lookAhead(rank)
                .onComplete(_ -> directory.newest().values().forEach(seen -> {
                    if (seen.value() != null) {
                        seats.expect(seen.value());
                    }
                }));
    }

    public void join(int rank, SegmentHandle handle) {
        lookForKeyOwner();
        joinedNanos.put(rank, ports.nanoTime());
        seats.seats().put(rank, new SeatState.Idle());
        seats.seat(rank, new SeatEvent.ClaimRequested(handle));
    }

    /** Publishes a changed handle of a rank that holds its seat or is joining. */
    public void changeHandle(int rank, SegmentHandle handle) {
        seats.seat(rank, new SeatEvent.HandleChanged(handle));
    }

    public void leave(int rank) {
        barrier(new BarrierEvent.SeatLeaving(rank));
        seats.seat(rank, new SeatEvent.LeaveRequested());
    }

    /** Closes the group: everything that arrives later is dropped. */
    public void close() {
        queue.close();
    }

    // ---- events from outside

    public void keyChanged(String key, @Nullable StoredBytes value) {
        if (queue.isClosed()) {
            return;
        }
        keys.parse(key, Member.MAX_WORLD_SIZE)
                .filter(parsed -> isInside(parsed, value))
                .ifPresent(parsed -> {
                    switch (parsed) {
                        case StoreKeys.Key.Rank(int rank) -> rankSeen(rank, value);
                        case StoreKeys.Key.Ready(int rank) ->
                            barrier(new BarrierEvent.MarkSeen(rank, values.mark(rank, value)));
                        case StoreKeys.Key.Epoch() -> barrier(new BarrierEvent.RecordSeen(values.record(value)));
                    }
                });
    }

    /** False for a rank outside this world. Such an entry shows that another process has a larger world. */
    private boolean isInside(StoreKeys.Key key, @Nullable StoredBytes value) {
        return switch (key) {
            case StoreKeys.Key.Rank(int rank)
            when rank >= setup.worldSize() -> {
                sizes.compare(rank, StoredValues.anyEntry(value));
                yield false;
            }
            case StoreKeys.Key.Ready(int rank) -> rank < setup.worldSize();
            case StoreKeys.Key.Rank _, StoreKeys.Key.Epoch _ -> true;
        };
    }

    /**
     * A link-open carries this entry, which the store may have lost or not pushed yet. The links that received it
     * refuse every older life from now on, so the store must come to hold the entry or its tombstone.
     */
    public void linkOpened(RankEntry entry) {
        if (!queue.isClosed() && entry.group().equals(setup.group()) && entry.worldSize() == setup.worldSize()) {
            directory.remember(entry);
        }
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

    public void allConnectedReceived(long epoch) {
        barrier(new BarrierEvent.AllConnectedReceived(epoch));
    }

    public void degradedReceived(long epoch) {
        barrier(new BarrierEvent.DegradedReceived(epoch));
    }

    /** Reads everything again, because the store's events are best effort. */
    public void reconcile() {
        reconciling = true;
        barrier(new BarrierEvent.Reconcile());
        seats.seats().forEach((rank, state) -> {
            if (state instanceof SeatState.Held) {
                queue.store(
                        keys.rank(rank), ports.store().get(keys.rank(rank)), value -> rankSeen(rank, value), _ -> {});
            }
        });
        membersChanged(ports.store().presentMembers());
    }

    public void membersChanged(SegmentStore.PresentMembers now) {
        present = now;
        lookForKeyOwner();
        if (!queue.isClosed()) {
            tombstones.clean(now);
        }
    }

    /**
     * Looks up the key owner, since the store sends no event when it moves keys. Called when the store's members
     * change, when a rank joins, after each read of everything, and while an own mark waits for the others.
     */
    private void lookForKeyOwner() {
        KeyOwner now = ports.store().keyOwner(setup.group());
        if (!Objects.equals(now, barrier.keyOwner())) {
            barrier(new BarrierEvent.KeyOwnerSeen(now));
        }
    }

    /**
     * Reads all marks of an open epoch for a report. Marks are sent only to the process that should complete the epoch,
     * and are in the store if it does not complete in time. Changes nothing else. Completes in any case.
     */
    public Future<?> lookAtMarks() {
        EpochRecord epoch = barrier.epoch();
        if (queue.isClosed() || epoch == null || epoch.state() != EpochRecord.State.OPEN) {
            return Future.succeededFuture();
        }
        return ports.store()
                .getAll(keys.ready(IntStream.range(0, setup.worldSize())))
                .onSuccess(read -> {
                    marksRead.clear();
                    for (int rank = 0; rank < setup.worldSize(); rank++) {
                        ReadyMark mark = Versioned.valueOf(values.mark(rank, read.get(keys.ready(rank))));
                        if (mark != null) {
                            marksRead.put(rank, mark);
                        }
                    }
                })
                .otherwiseEmpty();
    }

    /** Whether a member has marked the epoch, as far as received or read for a report. */
    boolean hasMarked(EpochRecord epoch, int rank) {
        return isOf(epoch, rank, Versioned.valueOf(barrier.marks().get(rank)))
                || isOf(epoch, rank, marksRead.get(rank));
    }

    private static boolean isOf(EpochRecord epoch, int rank, @Nullable ReadyMark mark) {
        return mark != null
                && mark.digest().equals(epoch.digest())
                && mark.member().equals(epoch.vector().get(rank));
    }

    // ---- state

    /**
     * Whether this process holds the life, or may hold it: a claim that is being written may have been applied already.
     * May be called from any thread.
     */
    public boolean holds(Member member) {
        return seats.holds(member);
    }

    /**
     * Whether the claim of this life is being written or has been applied, so that its links begin soon or have begun.
     * May be called from any thread.
     */
    public boolean claims(Member member) {
        return seats.claims(member);
    }

    /**
     * Answers a newcomer that has read this entry. If the life is held here, its entry is written again first. Any
     * claim on the bytes that the newcomer has read then fails after the answer.
     *
     * @param limitMs time after which it is answered in any case
     */
    public Future<SeatEvent.IncumbentAnswered.Answer> asked(RankEntry about, long limitMs) {
        return seats.asked(about, limitMs);
    }

    /** The state of the barrier; may be read from any thread. */
    public BarrierState barrier() {
        return barrier;
    }

    public Map<Integer, SeatState> seats() {
        return seats.seats();
    }

    /** Newest valid entry of each rank. */
    public Map<Integer, Versioned<RankEntry>> directory() {
        return directory.newest();
    }

    /** Greatest entry ever seen of each rank, from the store or a link: a link may announce a life before the store. */
    Map<Integer, RankEntry> greatest() {
        return directory.greatest();
    }

    /** How long the group was not all-connected before this epoch, which is complete, by this process's clock. */
    long elapsedMs(EpochRecord complete) {
        return clock.elapsedMs(complete);
    }

    /** When the current epoch's number was reached here. */
    long epochNanos() {
        return clock.reachedNanos();
    }

    /** When a rank of this process was joined. */
    long joinedNanos(int rank) {
        return Objects.requireNonNull(joinedNanos.get(rank), "the rank was not joined here");
    }

    /** When the key of a rank began or ceased to hold a LIVE entry, null if it has held nothing yet. */
    @Nullable
    Long keyNanos(int rank) {
        return directory.sinceNanos(rank);
    }

    /** Why the key of a rank holds no valid entry, by rank. */
    Map<Integer, Rejected> rejected() {
        return directory.rejected();
    }

    /**
     * Checks whether living processes have this group with another world size. Call it before the first rank of this
     * process is claimed.
     *
     * @return a sentence that names such a process, or null. Also null if the store does not answer: the disagreement
     *     is then found later
     */
    public Future<@Nullable String> disagreement() {
        return sizes.disagreement(this::keyChanged);
    }

    // ---- entries

    private void rankSeen(int rank, @Nullable StoredBytes value) {
        Versioned<RankEntry> seen = directory.decode(rank, value);
        if (seen != null) {
            seenWhileReading.add(rank);
        }
        if (seats.seats().containsKey(rank)) {
            seats.seat(rank, new SeatEvent.KeySeen(seen));
        }
        barrier(new BarrierEvent.RankSeen(rank, seen));
        updateLinks(rank, seen);
    }

    /** Sends the value of a rank's key to the links of that peer, once per change. */
    private void updateLinks(int rank, @Nullable Versioned<RankEntry> seen) {
        switch (directory.learn(rank, seen)) {
            case Directory.Change.None() -> {}
            case Directory.Change.Rejected(String reason) -> links.send(rank, new LinkEvent.HandleRejected(reason));
            case Directory.Change.Vanished(RankEntry before) ->
                links.send(rank, new LinkEvent.HandleWithdrawn(before.member(), "its entry vanished from the store"));
            case Directory.Change.Published(RankEntry entry, boolean isNewMember) -> {
                if (isNewMember) {
                    clock.seen(entry.member());
                    seats.expect(entry);
                }
                links.send(entry);
            }
        }
    }

    private final class TombstonePorts implements Tombstones.Ports {
        @Override
        public boolean holds(RankEntry entry) {
            return seats.holds(entry.member());
        }

        @Override
        public Future<Network.SeatAnswer> ask(RankEntry entry) {
            return ports.here(ports.network().askIncumbent(entry));
        }

        @Override
        public void write(int rank, @Nullable StoredBytes expected, StoredBytes next, Consumer<Boolean> applied) {
            queue.store(
                    keys.rank(rank),
                    ports.store().compareAndSet(keys.rank(rank), expected, next),
                    applied,
                    _ -> applied.accept(false));
        }

        @Override
        public void rankSeen(int rank, StoredBytes value) {
            GroupCore.this.rankSeen(rank, value);
        }
    }

    private final class SeatNeighbours implements SeatRunner.Neighbours {
        @Override
        public Directory directory() {
            return directory;
        }

        @Override
        public WorldSizes sizes() {
            return sizes;
        }

        @Override
        public LinkUpdates links() {
            return links;
        }

        @Override
        public BarrierState barrier() {
            return barrier;
        }

        @Override
        public void barrier(BarrierEvent event) {
            GroupCore.this.barrier(event);
        }

        @Override
        public void recordRead(StoredBytes record) {
            GroupCore.this.barrier(new BarrierEvent.RecordSeen(values.record(record)));
        }

        @Override
        public void markRead(int rank, StoredBytes mark) {
            GroupCore.this.barrier(new BarrierEvent.MarkSeen(rank, values.mark(rank, mark)));
        }

        @Override
        public void rankSeen(int rank, StoredBytes value) {
            GroupCore.this.rankSeen(rank, value);
        }
    }

    // ---- the barrier

    private void barrier(BarrierEvent event) {
        queue.run(() -> {
            if (!queue.isClosed()) {
                var step = step(event);
                barrier = step.next();
                announceStage(barrier.epoch());
                step.effects().forEach(this::run);
                seats.lookForNewerLives(barrier);
            }
        });
    }

    /** A mark is made only when the path of each link has carried something lately, or has been proved again. */
    private BarrierStep step(BarrierEvent event) {
        BarrierStep step = BarrierMachine.transition(setup, barrier, event);
        if (!step.makesMark()) {
            return step;
        }
        if (!proving) {
            Future<Void> proof = ports.links().prove();
            if (proof.succeeded()) {
                return step;
            }
            proving = true;
            ports.here(proof).onComplete(proved -> {
                if (proved.succeeded()) {
                    provedPaths();
                } else { // the loss of the link arrives by itself
                    ports.after(PROVE_AGAIN_MS, this::provedPaths);
                }
            });
        }
        return BarrierMachine.transition(setup, barrier, event, false);
    }

    /** Whether a mark waits until idle paths have been proved. */
    boolean isProving() {
        return proving;
    }

    private void provedPaths() {
        proving = false;
        barrier(new BarrierEvent.PathsProved());
    }

    /**
     * Reports each stage once, in order. An implied epoch may be withdrawn and implied again; the second time is not
     * reported.
     */
    private void announceStage(@Nullable EpochRecord now) {
        EpochRecord last = lastStage;
        if (now != null && (last == null || last.isBehind(now.number(), now.state()))) {
            lastStage = now;
            clock.reached(now.number());
            ports.listener().epochStage(now.number(), EpochStage.Stage.of(now.state()));
        }
    }

    private void run(BarrierEffect effect) {
        switch (effect) {
            case BarrierEffect.ReadAll _ -> readAll();
            case BarrierEffect.WriteRecord(var expected, var next) ->
                queue.store(
                        keys.epoch(),
                        ports.store().compareAndSet(keys.epoch(), expected, next.bytes()),
                        applied -> barrier(new BarrierEvent.RecordWritten(next, applied)),
                        _ -> barrier(new BarrierEvent.RecordWriteFailed()));
            case BarrierEffect.WriteMark(int rank, var expected, var next) ->
                queue.store(
                        keys.ready(rank),
                        ports.store().compareAndSet(keys.ready(rank), expected, next.bytes()),
                        applied -> barrier(new BarrierEvent.MarkWritten(rank, next, applied)),
                        _ -> barrier(new BarrierEvent.MarkWriteFailed(rank)));
            case BarrierEffect.StartTimer(var timer, long delayMs) -> startTimer(timer, delayMs);
            case BarrierEffect.BroadcastRecord(var record, boolean isPushed) -> {
                if (!isPushed || !areAllPresent()) {
                    ports.network().broadcast(new Gossip(setup.group(), keys.epoch(), record.bytes()), _ -> true);
                }
            }
            case BarrierEffect.SendMark(var mark, var to, boolean again) -> {
                if (mark.value() != null) {
                    if (!again) {
                        ports.listener().epochStage(mark.value().epoch(), EpochStage.Stage.MARKED);
                    }
                    ports.network()
                            .broadcast(
                                    new Gossip(
                                            setup.group(),
                                            keys.ready(mark.value().member().rank()),
                                            mark.bytes()),
                                    to == null ? _ -> true : to::equals);
                }
            }
            case BarrierEffect.LookForKeyOwner _ -> lookForKeyOwner();
            case BarrierEffect.CompleteWaiters(var record) -> ports.listener().allConnected(record);
            case BarrierEffect.PublishAllConnected(var record) ->
                ports.listener().publishAllConnected(record);
            case BarrierEffect.AnnounceDegraded(long epoch, var lost) -> {
                clock.ended(epoch);
                ports.listener().degradedHere(epoch, lost);
            }
            case BarrierEffect.PublishDegraded(long epoch, var lost) ->
                ports.listener().publishDegraded(epoch, lost);
        }
    }

    /**
     * Whether the processes of all ranks are in this part of the store's cluster. During a split some are not, although
     * their connections may be alive.
     */
    private boolean areAllPresent() {
        SegmentStore.PresentMembers now = present;
        return now != null
                && directory.newest().values().stream()
                        .allMatch(seen ->
                                seen.value() == null || now.carry(seen.value().handle()));
    }

    private void startTimer(BarrierEffect.Timer timer, long delayMs) {
        int run = timers.merge(timer, 1, Integer::sum);
        long delay = timer == BarrierEffect.Timer.REPUBLISH ? ports.randomUpTo(delayMs) : delayMs;
        ports.after(delay, () -> {
            if (timers.getOrDefault(timer, 0) == run) {
                barrier(new BarrierEvent.TimerFired(timer));
            }
        });
    }

    private void readAll() {
        seenWhileReading.clear();
        Set<String> all = new HashSet<>(keys.ranks(setup.worldSize()));
        for (int rank = 0; rank < setup.worldSize(); rank++) {
            all.add(keys.ready(rank));
        }
        all.add(keys.epoch());
        queue.store(
                SerialQueue.EVERYTHING,
                ports.store().getAll(all),
                this::readDone,
                _ -> barrier(new BarrierEvent.ReadFailed()));
    }

    private void readDone(Map<String, StoredBytes> fresh) {
        lookForKeyOwner();
        Map<Integer, Versioned<RankEntry>> ranks = new HashMap<>();
        Map<Integer, Versioned<ReadyMark>> marks = new HashMap<>();
        for (int rank = 0; rank < setup.worldSize(); rank++) {
            StoredBytes stored = fresh.get(keys.rank(rank));
            boolean isOlder = stored == null && seenWhileReading.contains(rank); // an event came during this read
            Versioned<RankEntry> entry = isOlder ? null : directory.known(rank, stored);
            if (entry != null) {
                ranks.put(rank, entry);
            }
            Versioned<ReadyMark> mark = values.mark(rank, fresh.get(keys.ready(rank)));
            if (mark != null) {
                marks.put(rank, mark);
            }
            SeatState state = seats.seats().get(rank);
            if (state instanceof SeatState.Held || state instanceof SeatState.Claiming) {
                seats.seat(rank, new SeatEvent.KeySeen(entry));
            }
            if (!isOlder) {
                updateLinks(rank, entry);
                restore(rank, entry);
            }
        }
        barrier(new BarrierEvent.ReadDone(values.record(fresh.get(keys.epoch())), ranks, marks));
        if (reconciling) {
            reconciling = false;
            links.resend(barrier.seats());
        }
    }

    private void restore(int rank, @Nullable Versioned<RankEntry> there) {
        SegmentStore.PresentMembers now = present;
        if (now != null) {
            tombstones.restore(now, rank, there);
        }
    }
}
