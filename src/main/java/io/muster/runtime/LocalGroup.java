// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.barrier.BarrierTiming;
import io.muster.barrier.BarrierVerticle;
import io.muster.barrier.FinishedGroup;
import io.muster.barrier.Gossip;
import io.muster.barrier.GroupServices;
import io.muster.barrier.Links;
import io.muster.bus.Addresses;
import io.muster.epoch.BarrierSetup;
import io.muster.fabric.FabricExport;
import io.muster.group.FabricVerdict;
import io.muster.group.GroupName;
import io.muster.group.LogEvents;
import io.muster.group.Member;
import io.muster.group.MusterException;
import io.muster.group.Proof;
import io.muster.group.StuckReport;
import io.muster.group.WarmupMode;
import io.muster.ops.FlightVerticle;
import io.muster.ops.StatusVerticle;
import io.muster.options.GroupOptions;
import io.muster.options.MusterOptions;
import io.muster.options.PeerOptions;
import io.muster.options.StoreOptions;
import io.muster.peer.LinkEvent;
import io.muster.peer.LinkState;
import io.muster.peer.LinkTable;
import io.muster.peer.LinkTiming;
import io.muster.peer.Session;
import io.muster.routing.GroupNetwork;
import io.muster.segment.RankEntry;
import io.muster.segment.SegmentHandle;
import io.muster.store.SealedSegmentStore;
import io.muster.store.SegmentStore;
import io.muster.store.StoreKeys;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.gpu.GpuTransport;
import io.muster.transfer.memory.Region;
import io.muster.warmup.WarmupPolicyVerticle;
import io.muster.wire.StoredBytes;
import io.vertx.core.Context;
import io.vertx.core.Deployable;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One group in this process: its verticles, and the ranks that this process holds.
 *
 * <p><b>State.</b> The barrier verticle with the core of the group, the verticles of status, flight record, warmup
 * policy and {@link PathTouch}, and one {@link LocalRank} for each rank of this process. If the group has a secret, the
 * store is wrapped so that it signs values and rejects unsigned ones, and channels are wrapped so that they sign
 * messages ({@link #over}); code above sees the same interfaces with and without a secret.
 *
 * <p><b>Threads.</b> {@code seats} is read on every context: by the barrier's, by those of links and channels, and by
 * threads of the application. It is a concurrent map. {@code ended} and the entry of a rank are checked and changed
 * together under its monitor, where joining and leaving meet. {@code deployments} is written while the group starts and
 * read when it ends. The link table takes rows from the contexts of all links.
 *
 * <p><b>Order of events.</b> {@link #start} deploys the verticles one after the other, the barrier before those that
 * ask it, and agrees on the world size; if one step fails, all are undeployed. {@link #prepare} reserves the rank,
 * registers its memory, exports fabric memory, deploys the links, and lets the barrier dial the processes of known
 * ranks. {@link #publish} claims the seat and publishes the handle; the barrier then opens the links. If either fails,
 * the rank is closed and removed, and the group ends with it if it was the last. {@link #leave} first frees the seat
 * and closes the links, so that peers are notified, then releases the memory, and only then removes the rank.
 *
 * <p><b>Invariants.</b> A rank is held at most once by this process. {@code ended} is set once and never reset, and no
 * rank is added after it. A handle names only memory that is registered when the handle is made.
 *
 * <p><b>The trap.</b> A rank stays in {@code seats} until its memory is released, not only until its seat is free.
 * Otherwise a rank that joins again at once would find the verticles and addresses of its former life still in use, and
 * the group could end while transfers still use its memory.
 */
public final class LocalGroup implements GroupServices, LocalRank.Group {
    private static final Logger LOG = LoggerFactory.getLogger(LocalGroup.class);
    /** The links of one lost process end within this time. It delays only the record in the store. */
    private static final long GATHER_MS = 5;
    /** Longer than an epoch in progress takes: with less, each rank would write to the store needlessly. */
    private static final long OVERDUE_MS = 250;

    /** Pause after a store operation that failed, so that a store that refuses at once is not asked in a busy loop. */
    private static final long RETRY_MS = 100;

    private final MusterProcess process;
    private final GroupName name;
    private final int worldSize;
    private final @Nullable GroupSeals seals;
    /** Ends the group in its process if its last rank has left. */
    private final Function<LocalGroup, Future<Void>> endIfEmpty;

    private final SegmentStore store;
    private final @Nullable SealedSegmentStore sealed;
    private final Addresses addresses;
    private final LinkTiming timing;
    private final LinkTable linkTable = new LinkTable(System::nanoTime);
    private final SeatLinks links = new SeatLinks();
    private final GroupNetwork network;
    private final BarrierSetup setup;
    private final BarrierVerticle barrier;
    private final StatusVerticle status;
    private final PolicyQuestions policy;
    /** By rank. */
    private final Map<Integer, LocalRank> seats = new ConcurrentHashMap<>();
    /** The last rank has left, or the group closes. Guarded by the monitor of {@code seats}. */
    private boolean ended;
    /** The outcome of {@link #start}. Closing waits for it, or it would leave behind what is deployed later. */
    private Future<Void> started = Future.succeededFuture();
    /** In the order of deployment; taken down in reverse. */
    private final List<String> deployments = new ArrayList<>();

    /** @param seals null if the group has no secret */
    LocalGroup(
            MusterProcess process,
            GroupName name,
            int worldSize,
            @Nullable GroupSeals seals,
            Function<LocalGroup, Future<Void>> endIfEmpty) {
        this.process = process;
        this.name = name;
        this.worldSize = worldSize;
        this.seals = seals;
        this.endIfEmpty = endIfEmpty;
        this.sealed = seals == null ? null : new SealedSegmentStore(process.store(), seals.secret(), this::foreign);
        this.store = sealed == null ? process.store() : sealed;
        this.addresses = new Addresses(name);
        this.network = new GroupNetwork(process.routing(), this);
        MusterOptions options = process.options();
        PeerOptions peer = options.peer();
        this.policy =
                new PolicyQuestions(process.vertx(), addresses, options.peer().policyTimeoutMs());
        this.timing = new LinkTiming(
                peer.open().timeoutMs(),
                peer.warmup().timeoutMs(),
                peer.backoff().initialMs(),
                peer.backoff().maxMs(),
                peer.refusedProbeMs(),
                peer.close().timeoutMs());
        StoreOptions storing = options.store();
        this.setup = new BarrierSetup(
                name,
                worldSize,
                process.id(),
                storing.hedgeMs(),
                storing.republishHedgeMs(),
                GATHER_MS,
                OVERDUE_MS,
                RETRY_MS);
        this.barrier = new BarrierVerticle(
                setup,
                this,
                new BarrierTiming(
                        storing.reconcileMs(),
                        options.barrier().reportEveryMs(),
                        options.status().nodeTimeoutMs(),
                        options.liveness().intervalMs(),
                        peer.open().timeoutMs() + peer.backoff().maxMs()));
        this.status = new StatusVerticle(
                addresses,
                barrier,
                linkTable,
                new StatusVerticle.Node(
                        process.id(),
                        ProcessHandle.current().pid(),
                        process.address().toString(),
                        process.trust().refusals(name),
                        process.loops()),
                (others, ms) -> network.askStatus(others, ms)
                        .map(answers -> new StatusVerticle.Answers(answers.parts(), answers.notAsked())),
                options.status().nodeTimeoutMs());
    }

    /**
     * Counts a value without a valid signature. Keys that are not of this group are counted as one, since a writer to
     * the store could invent any number of them.
     */
    private void foreign(String key, String why) {
        process.trust()
                .distrust(
                        name,
                        "store/" + (new StoreKeys(name).parse(key, worldSize).isPresent() ? key : name),
                        "holds a value without a valid signature: " + why);
    }

    Future<Void> start() {
        FlightLog flight = process.flight();
        started = deploy(new WarmupPolicyVerticle(addresses, process.fabric()))
                .compose(_ -> deploy(barrier))
                .compose(_ -> deploy(status))
                .compose(_ -> deploy(
                        new FlightVerticle(addresses, flight.recorder(), process.id(), () -> flight.record("asked"))))
                .compose(_ -> deploy(new PathTouch(process, this, this::slotsOf)))
                .compose(_ -> barrier.agreeOnWorldSize())
                .recover(failure -> undeployAll().transform(_ -> Future.failedFuture(failure)));
        return started;
    }

    private boolean isEnded() {
        synchronized (seats) {
            return ended;
        }
    }

    private Future<Void> deploy(Deployable verticle) {
        if (isEnded()) {
            return Future.failedFuture(MusterException.fatal("group " + name + " was closed while it was started"));
        }
        return process.vertx()
                .deployVerticle(verticle, process.own().deployment())
                .map(id -> {
                    deployments.add(id);
                    return null;
                });
    }

    /** Does everything for a rank except publishing it. */
    public Future<SegmentHandle> prepare(GroupOptions options) {
        if (options.worldSize() != worldSize) {
            return Future.failedFuture(MusterException.config("group " + name + " has the world size " + worldSize
                    + " in this process, rank " + options.rank() + " wants " + options.worldSize()));
        }
        LocalRank seat;
        synchronized (seats) {
            if (ended) {
                return Future.failedFuture(
                        MusterException.retry("group " + name + " is being left by this process: join again"));
            }
            if (seats.containsKey(options.rank())) {
                return Future.failedFuture(MusterException.config(
                        "rank " + options.rank() + " of group " + name + " has been joined by this process already"));
            }
            seat = new LocalRank(process, this, options.rank());
            seats.put(options.rank(), seat);
        }
        return seat.prepared(seat.registerAll(options.segments())
                        .compose(_ -> export(options.rank(), seat))
                        .compose(fabric -> seat.deploy()
                                .compose(_ -> barrier.prepare(options.rank()))
                                .map(_ -> handle(seat, fabric))))
                .recover(failure -> drop(options.rank(), failure));
    }

    /** Registers one more segment of a rank that is published, and publishes its handle anew. */
    public Future<Region> register(int rank, String name, long bytes) {
        LocalRank seat = seat(rank);
        Region region = seat.register(name, bytes);
        return barrier.changeHandle(
                        rank, () -> handle(seat, seat.ownEntry().handle().fabric()))
                .map(region);
    }

    /** The same for memory of a GPU. */
    public Future<Region> registerGpu(int rank, GroupOptions.Segment wanted, Function<String, Future<Region>> make) {
        LocalRank seat = seat(rank);
        return seat.registerGpu(wanted, make)
                .compose(region -> barrier.changeHandle(
                                rank,
                                () -> handle(seat, seat.ownEntry().handle().fabric()))
                        .map(region));
    }

    /** Publishes the handle without the segment, and frees it. */
    public Future<Region.End> unregister(int rank, String segment) {
        LocalRank seat = seat(rank);
        Region region = seat.remove(segment);
        if (region == null) {
            return Future.failedFuture(
                    MusterException.config("rank " + rank + " of group " + name + " has no segment '" + segment + "'"));
        }
        Duration bound = Duration.ofMillis(process.options().peer().close().timeoutMs());
        return barrier.changeHandle(
                        rank, () -> handle(seat, seat.ownEntry().handle().fabric()))
                .transform(_ -> region.close(bound));
    }

    public Future<RankEntry> publish(int rank, SegmentHandle handle) {
        return barrier.join(rank, handle).recover(failure -> drop(rank, failure));
    }

    /** Closes a rank that could not be prepared or published; fails with the given failure once it is removed. */
    private <T> Future<T> drop(int rank, Throwable failure) {
        LocalRank seat = seats.get(rank);
        Future<Void> closed = seat == null
                ? Future.succeededFuture()
                : seat.close(Duration.ZERO).onComplete(_ -> seats.remove(rank, seat));
        return closed.transform(_ -> endIfEmpty.apply(this)).transform(_ -> Future.failedFuture(failure));
    }

    /** True once, when the last rank has left. No rank can join after that. */
    boolean endIfEmpty() {
        synchronized (seats) {
            boolean ends = !ended && seats.isEmpty();
            ended |= ends;
            return ends;
        }
    }

    /** Publishes the handles of all ranks again, with their present content. */
    void republish() {
        seats.forEach((rank, seat) -> {
            if (seat.fabric() != null) {
                barrier.execute(core -> core.changeHandle(
                        rank, handle(seat, seat.ownEntry().handle().fabric())));
            }
        });
    }

    private Future<SegmentHandle.FabricOffer> export(int rank, LocalRank seat) {
        return process.options().warmup().mode() == WarmupMode.FABRIC ? seat.openGpuSlots() : exportFabric(rank, seat);
    }

    private Future<SegmentHandle.FabricOffer> exportFabric(int rank, LocalRank seat) {
        return switch (process.fabric().verdict()) {
            case FabricVerdict.Proven(var identity, boolean simulated, String reason) ->
                process.own()
                        .workers()
                        .executeBlocking(
                                () -> process.fabric().export(WarmupPolicyVerticle.exporter(rank, process.id())), false)
                        .map(export -> switch (export) {
                            case FabricExport.Exported(var handle) -> {
                                seat.exported(handle);
                                yield new SegmentHandle.FabricOffer.Exported(
                                        identity.toString(), simulated, handle.bytes(), reason);
                            }
                            case FabricExport.NotExported(String why) ->
                                new SegmentHandle.FabricOffer.None(simulated, why);
                        });
            case FabricVerdict.Unproven(String reason, String _) ->
                Future.succeededFuture(new SegmentHandle.FabricOffer.None(false, reason));
            case FabricVerdict.NotAvailable(String reason) ->
                Future.succeededFuture(new SegmentHandle.FabricOffer.None(false, reason));
        };
    }

    private SegmentHandle handle(LocalRank seat, SegmentHandle.FabricOffer fabric) {
        var address = process.address();
        return new SegmentHandle(
                process.id(),
                address.host(),
                address.port(),
                process.hostId(),
                ProcessHandle.current().pid(),
                process.store().localMemberUuid(),
                process.options().warmup().mode().toString(),
                seat.gpuSlots() == null ? List.of("local", "tcp") : List.of("local", GpuTransport.NAME, "tcp"),
                fabric,
                seat.segmentInfos());
    }

    /** Leaves with a rank, and ends the group with the last one. */
    public Future<Void> leave(int rank) {
        return end(rank).compose(_ -> endIfEmpty.apply(this));
    }

    private Future<Void> end(int rank) {
        LocalRank seat = seats.get(rank);
        if (seat == null) {
            return Future.succeededFuture();
        }
        return barrier.leave(rank)
                .transform(_ -> seat.close(
                        Duration.ofMillis(process.options().peer().close().timeoutMs())))
                .onComplete(_ -> seats.remove(rank, seat));
    }

    /** Ends every wait, leaves with every rank, and takes the verticles down. */
    public Future<Void> close(String reason) {
        synchronized (seats) {
            ended = true;
        }
        barrier.abandonWaits(reason);
        return started.transform(
                        _ -> Future.join(seats.keySet().stream().map(this::end).toList()))
                .transform(_ -> forgetIfFinished())
                .transform(_ -> undeployAll());
    }

    private Future<Void> forgetIfFinished() {
        StoreOptions storing = process.options().store();
        return FinishedGroup.forget(store, setup, Duration.ofMillis(storing.forgetMs()))
                .timeout(storing.operationTimeoutMs(), TimeUnit.MILLISECONDS)
                .onFailure(failure -> LOG.info(
                        LogEvents.GROUP_KEPT + " group={} reason={}: its entries stay in the store",
                        name,
                        String.valueOf(failure.getMessage())));
    }

    private Future<Void> undeployAll() {
        Future<Void> done = Future.succeededFuture();
        for (String deployment : deployments.reversed()) {
            done = done.transform(_ -> process.vertx().undeploy(deployment)).recover(_ -> Future.succeededFuture());
        }
        return done;
    }

    /** For the log of a pending call: the ranks that the group misses, and whether the store answers. */
    public Future<String> whatIsMissing() {
        return barrier.report().map(StuckReport::text);
    }

    // ---- queries

    public MusterProcess process() {
        return process;
    }

    @Override
    public GroupName name() {
        return name;
    }

    @Override
    public int worldSize() {
        return worldSize;
    }

    @Override
    public Addresses addresses() {
        return addresses;
    }

    @Override
    public LinkTiming timing() {
        return timing;
    }

    @Override
    public PolicyQuestions policy() {
        return policy;
    }

    @Override
    public BarrierVerticle barrier() {
        return barrier;
    }

    public StatusVerticle status() {
        return status;
    }

    @Override
    public Future<Buffer> statusPart() {
        return status.part().map(JsonObject::toBuffer);
    }

    @Override
    public Set<Integer> ranks() {
        return Set.copyOf(seats.keySet());
    }

    public LocalRank seat(int rank) {
        LocalRank seat = seats.get(rank);
        if (seat == null) {
            throw notHeld(rank);
        }
        return seat;
    }

    private MusterException notHeld(int rank) {
        return MusterException.fatal("rank " + rank + " of group " + name + " is not held by this process (any more)");
    }

    /** Why a rank of this process can't reach a peer now. */
    public MusterException notConnected(int rank, int peer) {
        if (!seats.containsKey(rank)) {
            return notHeld(rank);
        }
        LinkTable.Row row = linkTable.row(rank, peer);
        return MusterException.retry("rank " + rank + " of group " + name + " is not connected to rank " + peer + " ("
                + (row == null ? "no link" : row.state().name()) + "); wait for all-connected");
    }

    /** Fails the path of every link whose proof depends on memory of a GPU. */
    void gpuLost(String cause) {
        linkTable.forEach((key, row) -> {
            if (row.state() instanceof LinkState.Connected(var history, Session session, Proof proof, String _)
                    && session != null
                    && history.target() != null
                    && (proof == Proof.FABRIC_IMPORT
                            || (proof == Proof.WARMUP
                                    && GpuSlots.published(history.target().entry(), session.peerSlot()) != null))) {
                links.send(key.rank(), key.peer(), new LinkEvent.PathFailed(session.pairId(), cause));
            }
        });
    }

    private @Nullable GpuSlots slotsOf(int rank) {
        LocalRank seat = seats.get(rank);
        return seat == null ? null : seat.gpuSlots();
    }

    @Override
    public @Nullable Member localSeat(int rank) {
        LocalRank seat = seats.get(rank);
        return seat == null ? null : seat.self();
    }

    @Override
    public SegmentStore store() {
        return store;
    }

    @Override
    public @Nullable StoredBytes opened(String key, @Nullable StoredBytes stored) {
        return sealed == null ? stored : sealed.open(key, stored);
    }

    @Nullable
    GroupSeals seals() {
        return seals;
    }

    @Override
    public @Nullable GroupName owner() {
        return seals == null ? null : name;
    }

    @Override
    public Gossip sealed(Gossip gossip) {
        StoredBytes stored = sealed == null ? null : sealed.close(gossip.key(), gossip.value());
        return stored == null ? gossip : new Gossip(gossip.group(), gossip.key(), stored);
    }

    @Override
    public Channel over(Channel channel) {
        return seals == null || channel instanceof SealedChannel ? channel : new SealedChannel(channel, seals);
    }

    @Override
    public String loopTrouble() {
        return process.loops().trouble();
    }

    @Override
    public String loopTrouble(Context context) {
        return process.loops().trouble(List.of(context));
    }

    /** An event loop of this process stands still: questions that wait for it get what is known without it. */
    void loopStalled() {
        status.loopStalled();
        barrier.loopStalled();
    }

    /** The channel has ended. */
    void forget(ChannelGeneration generation) {
        if (seals != null) {
            seals.forget(generation);
        }
    }

    @Override
    public JsonObject sign(JsonObject event) {
        return seals == null ? event : seals.sign(event);
    }

    @Override
    public boolean isAuthentic(JsonObject event) {
        if (seals == null || seals.isAuthentic(event)) {
            return true;
        }
        process.trust()
                .distrust(name, "bus/" + name, "brings an event of group " + name + " that its secret did not sign");
        return false;
    }

    @Override
    public LinkTable linkTable() {
        return linkTable;
    }

    @Override
    public Links links() {
        return links;
    }

    @Override
    public GroupNetwork network() {
        return network;
    }

    @Override
    public void entryPublished(RankEntry own) {
        LocalRank seat = seats.get(own.member().rank());
        if (seat != null) {
            seat.published(own);
            network.published(own);
        }
    }

    /** The links of all ranks of this process. */
    private final class SeatLinks implements Links {
        @Override
        public void open(Member self) {
            seat(self.rank()).open(self);
        }

        @Override
        public void close(Member self, String reason) {
            LocalRank seat = seats.get(self.rank());
            if (seat != null) {
                seat.closeLinks(reason);
            }
        }

        @Override
        public Future<Void> prove() {
            Set<Channel> channels = new HashSet<>();
            linkTable.forEach((_, row) -> {
                if (row.state() instanceof LinkState.Connected(var _, Session session, var _, var _)
                        && session != null) {
                    Channel channel = process.routing().channels().of(session.generation());
                    if (channel != null) { // else the loss of the link is on its way
                        channels.add(channel);
                    }
                }
            });
            List<Future<Void>> proofs = channels.stream()
                    .map(Channel::prove)
                    .filter(proof -> !proof.succeeded())
                    .toList();
            return proofs.isEmpty()
                    ? Future.succeededFuture()
                    : Future.join(proofs).mapEmpty();
        }

        @Override
        public void send(int rank, int peer, LinkEvent event) {
            LocalRank seat = seats.get(rank);
            if (seat != null) {
                seat.send(peer, event);
            }
        }
    }
}
