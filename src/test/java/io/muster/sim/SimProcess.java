// SPDX-License-Identifier: Apache-2.0

package io.muster.sim;

import io.muster.barrier.BarrierTiming;
import io.muster.barrier.BlameWatch;
import io.muster.barrier.Diagnosis;
import io.muster.barrier.FinishedGroup;
import io.muster.barrier.Gossip;
import io.muster.barrier.GroupCore;
import io.muster.barrier.GroupPorts;
import io.muster.barrier.Links;
import io.muster.barrier.Network;
import io.muster.blame.View;
import io.muster.epoch.BarrierSetup;
import io.muster.group.Blame;
import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.group.ProcessId;
import io.muster.group.StuckReport;
import io.muster.peer.LinkChange;
import io.muster.peer.LinkEvent;
import io.muster.peer.LinkTable;
import io.muster.peer.WarmupSlot;
import io.muster.routing.GroupNetwork;
import io.muster.routing.ProcessRouting;
import io.muster.seat.SeatState;
import io.muster.segment.EpochRecord;
import io.muster.segment.LostMember;
import io.muster.segment.RankEntry;
import io.muster.segment.SegmentHandle;
import io.muster.store.SealedSegmentStore;
import io.muster.store.SegmentStore;
import io.muster.transfer.ChannelGeneration;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One process: the production core of the group and the production routing, on ports that lead into the simulated
 * world. It may crash, and it may stand still.
 */
final class SimProcess implements GroupPorts, GroupPorts.Listener, SegmentStore.Listener, Links {
    private static final long RECONCILE_MS = 5_000;
    private static final ProcessRouting.Timing TIMING = new ProcessRouting.Timing(3_000, 1_000);
    static final long OBSERVERS_MS = 1_000;
    private static final long RECONNECT_MS = 6_000;

    final World world;
    final int number;
    final ProcessId id;
    final String host;
    final int port;
    final GroupCore core;
    private final BarrierSetup setup;
    private final SimPorts ports = new SimPorts(this);
    final ProcessRouting routing;
    final BlameWatch blame;
    private final GroupNetwork network;
    private final Network observed = new ObservedNetwork();
    final LinkTable linkTable;
    final long startedUs;
    final NastyStore nasty;
    /** The same with the group's secret, null if the group has none. */
    private final @Nullable SealedSegmentStore sealed;
    /** The ends that this process's transport holds. */
    final Map<ChannelGeneration, SimChannel> channels = new LinkedHashMap<>();

    final Map<Integer, SimSeat> seats = new TreeMap<>();
    final List<Integer> ranks;
    Side side;
    String memberUuid;
    long clockOffsetMs;
    boolean crashed;
    boolean hostDead;
    boolean paused;
    boolean listening;
    long operationsUntilTold;
    long resumedUs = Long.MIN_VALUE;
    private final List<Runnable> backlog = new ArrayList<>();
    private final Lane linkStates = new Lane(this);
    private int regions;

    SimProcess(World world, int number, List<Integer> ranks, String host, int port, Side side) {
        this.world = world;
        this.number = number;
        this.ranks = List.copyOf(ranks);
        this.id = ProcessId.random(world.chance.generator());
        this.host = host;
        this.port = port;
        this.side = side;
        this.memberUuid = world.uuid();
        this.nasty = new NastyStore(world, this);
        this.sealed = world.scenario.isSecured()
                ? new SealedSegmentStore(
                        nasty, Stranger.SECRET, (_, _) -> world.faults.fired(Fault.STRANGER_DISTRUSTED))
                : null;
        this.setup = new BarrierSetup(World.GROUP, world.scenario.worldSize(), id, 30, 200, 5, 250, 100);
        this.core = new GroupCore(setup, this);
        this.linkTable = new LinkTable(() -> world.clock.nowUs() * 1_000);
        this.startedUs = world.clock.nowUs();
        this.routing = new ProcessRouting(ports, ports, TIMING);
        this.network = new GroupNetwork(routing, ports);
        this.blame = new BlameWatch(
                setup,
                new BlamePorts(),
                core,
                new BarrierTiming(RECONCILE_MS, 0, OBSERVERS_MS, SimChannel.INTERVAL_MS, RECONNECT_MS));
    }

    /** Listener first, then publish. */
    void start() {
        nasty.listen(this).onComplete(registered -> {
            if (registered.succeeded()) {
                if (!listening) {
                    listening = true;
                    ranks.forEach(rank -> core.lookAhead(rank).onComplete(_ -> join(rank)));
                    post(world.chance.between(1, RECONCILE_MS * 1_000), this::reconcile);
                }
            } else {
                post(500_000, this::start);
            }
        });
    }

    private void join(int rank) {
        seats.put(rank, new SimSeat(this, rank, world.scenario.worldSize(), regions++));
        core.join(rank, handle(0));
    }

    SegmentHandle handle(int version) {
        return new SegmentHandle(
                id,
                host,
                port,
                "host-" + host,
                number,
                memberUuid,
                world.scenario.mode(),
                List.of("local", "tcp"),
                world.scenario.fabric(),
                version == 0
                        ? List.of()
                        : List.of(new io.muster.segment.SegmentInfo("v" + version, version, version, version)));
    }

    private void reconcile() {
        core.reconcile();
        post(RECONCILE_MS * 1_000, this::reconcile);
    }

    // ---- time

    void post(long delayUs, Runnable task) {
        world.clock.after(delayUs, () -> run(task));
    }

    private void run(Runnable task) {
        if (crashed) {
            return;
        }
        if (paused) {
            backlog.add(task);
            return;
        }
        task.run();
    }

    void pause() {
        paused = true;
    }

    /** Everything that was due runs now, in any order that the lanes allow. */
    void resume() {
        paused = false;
        resumedUs = world.clock.nowUs();
        List<Runnable> due = new ArrayList<>(backlog);
        backlog.clear();
        due.forEach(task -> post(world.chance.between(0, 2_000), task));
    }

    void crash(boolean heard) {
        crashed = true;
        hostDead = !heard;
        backlog.clear();
        for (SimChannel channel : List.copyOf(channels.values())) {
            channel.vanish(heard);
        }
        channels.clear();
    }

    boolean isLive() {
        return !crashed;
    }

    /** It holds this rank, or is on its way to. */
    boolean isFor(int rank) {
        SeatState seat = core.seats().get(rank);
        return !crashed && ranks.contains(rank) && (!listening || (seat != null && !(seat instanceof SeatState.Ended)));
    }

    boolean isIdle() {
        return listening && core.seats().values().stream().allMatch(SeatState.Ended.class::isInstance);
    }

    // ---- links

    @Nullable
    SimChannel channel(ChannelGeneration generation) {
        return (SimChannel) routing.channels().of(generation);
    }

    @Nullable
    Member localSeat(int rank) {
        SimSeat seat = seats.get(rank);
        return seat == null ? null : seat.self;
    }

    boolean holds(Member member) {
        return core.holds(member);
    }

    /** Who is missing, as this process sees it now. */
    StuckReport report() {
        return new Diagnosis(
                        world.scenario.worldSize(), core, linkTable, startedUs * 1_000, world.clock.nowUs() * 1_000)
                .report(World.GROUP, "", "", blame.latest());
    }

    boolean slotWritten(WarmupSlot slot, long value) {
        for (SimSeat seat : seats.values()) {
            if (seat.slots.equals(slot.region())) {
                seat.links.get((int) (slot.offset() / 8)).tell(new LinkEvent.SlotWritten(value));
                return true;
            }
        }
        return false;
    }

    /** Where the link stands, for those who look. */
    void noted(LinkChange change) {
        linkTable.note(change);
    }

    /** The link's state reaches the barrier as a message. */
    void linkChanged(LinkChange change) {
        noted(change);
        linkStates.send(world.busUs(), () -> {
            Member lost = change.lostPeer();
            if (lost != null) {
                world.invariants.lossReported(this, change.self(), lost);
                core.linkLost(change.self().rank(), lost, change.cause(), change.reason());
            }
            Member gained = change.gainedPeer();
            if (gained != null) {
                world.invariants.gainReported(this, change.self(), gained);
                core.linkConnected(change.self().rank(), gained, change.proof());
                blame.recovered();
            }
        });
    }

    // ---- ports of the core

    @Override
    public SegmentStore store() {
        return sealed == null ? nasty : sealed;
    }

    /** What the store holds, as the group sees it. */
    @Nullable
    StoredBytes opened(String key, @Nullable StoredBytes stored) {
        return sealed == null ? stored : sealed.open(key, stored);
    }

    /** As it goes from process to process: with the signature that the store holds. */
    Gossip sealed(Gossip gossip) {
        StoredBytes stored = sealed == null ? null : sealed.close(gossip.key(), gossip.value());
        return stored == null ? gossip : new Gossip(gossip.group(), gossip.key(), stored);
    }

    @Override
    public long wallClockMs() {
        return 1_000_000_000 + world.clock.nowMs() + clockOffsetMs;
    }

    @Override
    public long nanoTime() {
        return world.clock.nowUs() * 1_000;
    }

    @Override
    public LifeId newLife() {
        return LifeId.random(world.chance.generator());
    }

    @Override
    public void after(long delayMs, Runnable task) {
        post(delayMs * 1_000, task);
    }

    @Override
    public long randomUpTo(long maxMs) {
        return world.chance.between(0, maxMs);
    }

    @Override
    public Future<Void> prove() {
        Promise<Void> proved = Promise.promise();
        if (randomUpTo(1) == 0) {
            proved.complete();
        } else {
            after(1 + randomUpTo(20), proved::complete);
        }
        return proved.future();
    }

    @Override
    public Links links() {
        return this;
    }

    @Override
    public Network network() {
        return observed;
    }

    @Override
    public <T> Future<T> here(Future<T> there) {
        return there;
    }

    @Override
    public GroupPorts.Listener listener() {
        return this;
    }

    /** The production network of the group, with the rules of the world looking on. */
    private final class ObservedNetwork implements Network {
        @Override
        public Future<SeatAnswer> askIncumbent(RankEntry incumbent) {
            return network.askIncumbent(incumbent)
                    .onSuccess(answer -> world.invariants.asked(SimProcess.this, incumbent.member(), answer.answer()));
        }

        @Override
        public Future<WitnessAnswer> askWitnesses(RankEntry incumbent, List<RankEntry> others) {
            return network.askWitnesses(incumbent, others)
                    .onSuccess(answer -> world.invariants.asked(SimProcess.this, incumbent.member(), answer.answer()));
        }

        @Override
        public Future<Collection<View>> askObservers(View own, Collection<ProcessId> others, long withinMs) {
            world.accusations.seen(SimProcess.this, own);
            return network.askObservers(own, others, withinMs);
        }

        @Override
        public LinkEvent.Reach reach(RankEntry entry) {
            return network.reach(entry);
        }

        @Override
        public boolean reaches(ProcessId process) {
            return network.reaches(process);
        }

        @Override
        public void dialAhead(RankEntry entry) {
            network.dialAhead(entry);
        }

        @Override
        public void broadcast(Gossip gossip, Predicate<ProcessId> to) {
            world.invariants.marking(SimProcess.this, gossip.key(), gossip.value());
            network.broadcast(gossip, to);
        }
    }

    // ---- links

    @Override
    public void open(Member self) {
        SimSeat seat = seats.get(self.rank());
        if (seat != null) {
            seat.open(self);
        }
    }

    @Override
    public void close(Member self, String reason) {
        SimSeat seat = seats.get(self.rank());
        if (seat != null) {
            seat.close(reason);
        }
    }

    @Override
    public void send(int rank, int peer, LinkEvent event) {
        SimSeat seat = seats.get(rank);
        if (seat != null) {
            seat.links.get(peer).tell(event);
        }
    }

    /** What finding out who is to blame needs. */
    private final class BlamePorts implements BlameWatch.Ports {
        @Override
        public boolean reaches(ProcessId process) {
            return observed.reaches(process);
        }

        @Override
        public LinkTable links() {
            return linkTable;
        }

        @Override
        public Future<Collection<View>> askObservers(View own, Collection<ProcessId> others, long withinMs) {
            return observed.askObservers(own, others, withinMs);
        }

        @Override
        public Runnable after(long delayMs, Runnable task) {
            return cancellable(delayMs, task);
        }

        @Override
        public void changed(Blame blame) {
            world.trace(() -> SimProcess.this + " BLAMES " + blame.text());
            world.accusations.changed(SimProcess.this, blame);
        }
    }

    Runnable cancellable(long delayMs, Runnable task) {
        boolean[] cancelled = {false};
        post(delayMs * 1_000, () -> {
            if (!cancelled[0]) {
                task.run();
            }
        });
        return () -> cancelled[0] = true;
    }

    // ---- what the core tells

    @Override
    public void seatPublished(RankEntry entry) {
        SimSeat seat = seats.get(entry.member().rank());
        if (seat != null) {
            seat.published(entry);
            network.published(entry);
        }
    }

    @Override
    public void seatTaken(RankEntry entry) {
        world.trace(() -> this + " holds " + entry.member() + " revision " + entry.revision());
        world.invariants.taken(this, entry);
        if (entry.revision() == 0 && Math.abs(clockOffsetMs) >= Disasters.HOUR_MS / 2) {
            world.faults.fired(Fault.CLAIMED_AFTER_JUMP);
        }
    }

    @Override
    public void seatEnded(int rank, SeatState.End end, String reason) {
        world.trace(() -> this + " seat " + rank + " ended: " + end);
        world.invariants.ended(this, rank, end);
        if (end == SeatState.End.LEFT && isIdle()) {
            FinishedGroup.forget(store(), setup, Duration.ofMillis(world.chance.between(200, 4_000)));
        }
    }

    @Override
    public void allConnected(EpochRecord record) {
        world.trace(() -> this + " ALL CONNECTED " + record.number() + " " + record.vector());
        world.invariants.allConnected(this, record);
        blame.recovered();
        operationsUntilTold = nasty.operations;
    }

    @Override
    public void publishAllConnected(EpochRecord record) {
        world.invariants.publishedAllConnected(this, record);
        world.publish(this, process -> process.core.allConnectedReceived(record.number()));
    }

    @Override
    public void degradedHere(long epoch, List<LostMember> lost) {
        world.trace(() -> this + " degraded " + epoch + " " + lost);
        world.invariants.degraded(this, epoch);
        if (lost.isEmpty() || lost.stream().anyMatch(one -> !one.reason().equals("LEFT"))) {
            blame.degraded();
        }
    }

    @Override
    public void publishDegraded(long epoch, List<LostMember> lost) {
        world.invariants.publishedDegraded(this, epoch);
        world.publish(this, process -> process.core.degradedReceived(epoch));
    }

    @Override
    public void storeTrouble(@Nullable String reason) {}

    // ---- what the store tells

    @Override
    public void changed(String key, @Nullable StoredBytes value) {
        routing.changed(key, value);
    }

    @Override
    public void outdated() {
        ports.execute(_ -> {
            Map<Integer, SegmentHandle> handles = new HashMap<>();
            core.seats().keySet().forEach(rank -> handles.put(rank, handle(0)));
            handles.forEach(core::changeHandle);
            core.reconcile();
        });
    }

    @Override
    public void membersChanged(SegmentStore.PresentMembers present) {
        ports.execute(_ -> core.membersChanged(present));
    }

    @Override
    public String toString() {
        return "P" + number + ranks;
    }
}
