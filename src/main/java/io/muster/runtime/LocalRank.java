// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.bus.Addresses;
import io.muster.bus.LocalCodec;
import io.muster.fabric.ExportedHandle;
import io.muster.group.GpuSlice;
import io.muster.group.GroupName;
import io.muster.group.Member;
import io.muster.group.MusterException;
import io.muster.group.ProcessAddress;
import io.muster.group.WriteException;
import io.muster.options.GroupOptions;
import io.muster.peer.LinkChange;
import io.muster.peer.LinkEvent;
import io.muster.peer.LinkSetup;
import io.muster.peer.LinkTiming;
import io.muster.peer.PeerVerticle;
import io.muster.peer.SeatPorts;
import io.muster.peer.Session;
import io.muster.peer.WarmupAnswer;
import io.muster.peer.WarmupSlot;
import io.muster.routing.RoutedGroup;
import io.muster.segment.RankEntry;
import io.muster.segment.SegmentHandle;
import io.muster.segment.SegmentInfo;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.gpu.GpuTransport;
import io.muster.transfer.memory.Region;
import io.vertx.core.Future;
import io.vertx.core.eventbus.DeliveryOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One rank of this process: its registered memory, its warmup slots, and the verticles of its links. Created before the
 * rank is published, so that less is left to do while others wait for it.
 */
public final class LocalRank implements SeatPorts {
    private static final DeliveryOptions HERE = LocalCodec.delivery();
    private static final long SLOT_BYTES = Long.BYTES;
    /** Random share of a pause, so that many ranks do not dial at the same moment. */
    private static final double JITTER = 0.5;
    /** Repetitions of a write that was refused as UNPROVED: 1, 2, 4 … ms apart, about a second in all. */
    private static final int PROVING_TRIES = 10;

    /** The group of the rank, as its links need it. May be called from any context. */
    interface Group extends RoutedGroup {
        Addresses addresses();

        LinkTiming timing();

        PolicyQuestions policy();

        /** The only group that may write into this group's memory, null if the key of the region is enough. */
        @Nullable
        GroupName owner();

        /** The channel for messages of this group: signing them if it has a secret. */
        Channel over(Channel channel);
    }

    private final MusterProcess process;
    private final Group group;
    private final int rank;
    private final Addresses addresses;
    private final Region slots;
    /**
     * The warmup values to send, one for each peer. The garbage collector frees it, because a socket that is being
     * closed may still use it.
     */
    private final MemorySegment outgoing;

    private final Map<String, Region> segments = new LinkedHashMap<>();
    private final List<PeerVerticle> verticles = new ArrayList<>();
    /** Set once: when the barrier reports that the seat has ended, or when this rank closes, whichever comes first. */
    private final AtomicBoolean closing = new AtomicBoolean();

    private @Nullable ExportedHandle export;
    /** Set before the rank is published, in mode fabric. */
    private volatile @Nullable GpuSlots gpuSlots;
    /** Set on the group's context when the seat is taken, read by the links on theirs. */
    private volatile @Nullable Member self;

    private volatile @Nullable RankEntry entry;
    /** Closing waits for it, or it would miss the verticles that are being deployed. Used on Muster's context only. */
    private Future<?> preparing = Future.succeededFuture();
    /** The outcome of the first {@link #close}, null before. Used on Muster's context only. */
    private @Nullable Future<Void> closed;

    LocalRank(MusterProcess process, Group group, int rank) {
        this.process = process;
        this.group = group;
        this.rank = rank;
        this.addresses = group.addresses();
        this.slots = process.regions()
                .allocate(
                        group.name() + "/" + rank + "/warmup",
                        SLOT_BYTES * group.worldSize(),
                        (region, offset, length) -> slotWritten(region, offset))
                .guardedBy(group.owner());
        this.outgoing = Arena.ofAuto().allocate(SLOT_BYTES * group.worldSize(), SLOT_BYTES);
    }

    /** Deploys the verticles of all links; they wait for the seat. Completes when no deployment is under way. */
    Future<Void> deploy() {
        List<Future<String>> all = new ArrayList<>();
        for (int peer = 0; peer < group.worldSize(); peer++) {
            var verticle = new PeerVerticle(rank, peer, this, addresses);
            all.add(process.vertx()
                    .deployVerticle(verticle, process.own().deployment())
                    .onSuccess(_ -> verticles.add(verticle)));
        }
        return Future.join(all).mapEmpty();
    }

    /** Registers all segments in the given order. Fails with CONFIG if one can't be allocated. */
    Future<Void> registerAll(List<GroupOptions.Segment> wanted) {
        Future<Void> all = Future.succeededFuture();
        for (GroupOptions.Segment one : wanted) {
            all = all.compose(_ -> register(one)).mapEmpty();
        }
        return all;
    }

    private Future<Region> register(GroupOptions.Segment wanted) {
        var transfers = process.transfers();
        return switch (wanted.place()) {
            case GroupOptions.Place.Host _ -> {
                try {
                    yield Future.succeededFuture(register(wanted.name(), wanted.bytes()));
                } catch (MusterException failure) {
                    yield Future.failedFuture(failure);
                }
            }
            case GroupOptions.Place.OnGpu(int device) ->
                registerGpu(wanted, region -> transfers.allocate(region, device, wanted.bytes()));
            case GroupOptions.Place.Given(GpuSlice memory) ->
                registerGpu(
                        wanted,
                        region -> transfers.register(region, memory.device(), memory.address(), memory.bytes()));
        };
    }

    /**
     * Allocates and registers host memory. Other processes learn of it from the next handle that is published.
     *
     * @throws MusterException CONFIG if the name or size is wrong, the name is taken, or there is not enough memory
     */
    Region register(String name, long bytes) {
        var wanted = new GroupOptions.Segment(name, bytes);
        String whose = "rank " + rank + " of group " + group.name();
        synchronized (segments) {
            checkFree(name);
            try {
                Region region = process.regions()
                        .allocate(group.name() + "/" + rank + "/" + name, wanted.bytes(), null)
                        .guardedBy(group.owner());
                segments.put(name, region);
                return region;
            } catch (OutOfMemoryError failure) {
                String why = failure.getMessage() == null ? "more than any process has" : failure.getMessage();
                throw new MusterException(
                        MusterException.Kind.CONFIG,
                        "segment '" + name + "' of " + whose + " needs " + bytes
                                + " bytes off the heap, which this process could not allocate (" + why
                                + "): register less, or give it more memory",
                        failure);
            }
        }
    }

    private void checkFree(String name) {
        String whose = "rank " + rank + " of group " + group.name();
        if (segments.containsKey(name)) {
            throw MusterException.config(whose + " has a segment '" + name + "' already: choose another name");
        }
        if (segments.size() >= SegmentHandle.MAX_SEGMENTS) {
            throw MusterException.config(whose + " has " + SegmentHandle.MAX_SEGMENTS
                    + " segments, and no more fit into a handle: register fewer," + " larger ones");
        }
    }

    /**
     * Registers memory of a GPU. Fails with CONFIG in the same cases as {@link #register}, and with FATAL if the rank
     * is leaving.
     */
    Future<Region> registerGpu(GroupOptions.Segment wanted, Function<String, Future<Region>> make) {
        synchronized (segments) {
            try {
                checkFree(wanted.name());
            } catch (MusterException taken) {
                return Future.failedFuture(taken);
            }
        }
        return make.apply(group.name() + "/" + rank + "/" + wanted.name()).compose(region -> {
            region.guardedBy(group.owner());
            synchronized (segments) {
                try {
                    checkFree(wanted.name());
                    if (closing.get()) {
                        throw MusterException.fatal("rank " + rank + " of group " + group.name() + " is leaving");
                    }
                    segments.put(wanted.name(), region);
                    return Future.succeededFuture(region);
                } catch (MusterException lost) {
                    return region.close(Duration.ZERO).transform(_ -> Future.failedFuture(lost));
                }
            }
        });
    }

    /** Removes the segment from the next handle; null if there is none of this name. */
    @Nullable
    Region remove(String name) {
        synchronized (segments) {
            return segments.remove(name);
        }
    }

    @Nullable
    public Region segment(String name) {
        synchronized (segments) {
            return segments.get(name);
        }
    }

    public List<SegmentInfo> segmentInfos() {
        synchronized (segments) {
            return segments.entrySet().stream()
                    .map(segment -> segment.getValue().info(segment.getKey()))
                    .toList();
        }
    }

    /** The fabric offer in the published handle. Null before the handle is published. */
    SegmentHandle.@Nullable FabricOffer fabric() {
        RankEntry own = entry;
        return own == null ? null : own.handle().fabric();
    }

    void exported(@Nullable ExportedHandle handle) {
        export = handle;
    }

    /** Starts the links. Called when this life holds the seat. */
    void open(Member member) {
        self = member;
        for (int peer = 0; peer < group.worldSize(); peer++) {
            process.vertx()
                    .eventBus()
                    .send(
                            addresses.link(rank, peer),
                            new LinkSetup(group.name(), group.worldSize(), member, peer, group.timing()),
                            HERE);
        }
    }

    void published(RankEntry own) {
        entry = own;
    }

    void send(int peer, LinkEvent event) {
        process.vertx().eventBus().send(addresses.link(rank, peer), event, HERE);
    }

    /** Closes the links, once; each of them notifies its peer. */
    void closeLinks(String reason) {
        if (!closing.compareAndSet(false, true)) {
            return;
        }
        for (int peer = 0; peer < group.worldSize(); peer++) {
            send(peer, new LinkEvent.CloseRequested(reason));
        }
        self = null;
    }

    /** Notes what prepares this rank, and returns it. */
    <T> Future<T> prepared(Future<T> work) {
        preparing = work;
        return work;
    }

    /**
     * Ends the links and releases the memory, after the transfers are over or their time is up. A second call returns
     * the outcome of the first.
     */
    Future<Void> close(Duration bound) {
        Future<Void> known = closed;
        if (known == null) {
            known = preparing.transform(_ -> release(bound));
            closed = known;
        }
        return known;
    }

    private Future<Void> release(Duration bound) {
        closeLinks("closed");
        List<Future<Region.End>> ends = new ArrayList<>();
        synchronized (segments) {
            segments.values().forEach(region -> ends.add(region.close(bound)));
            segments.clear();
        }
        if (export != null) {
            export.close();
            export = null;
        }
        return Future.join(ends)
                .transform(_ ->
                        Future.join(verticles.stream().map(PeerVerticle::ended).toList()))
                .transform(_ -> slots.close(bound))
                .transform(_ -> {
                    GpuSlots onGpu = gpuSlots;
                    return onGpu == null ? Future.<Void>succeededFuture() : onGpu.close(bound);
                });
    }

    /**
     * Reports the present value of the slot that the write began in; a link ignores every value but the expected one.
     */
    private void slotWritten(Region region, long offset) {
        int peer = (int) (offset / SLOT_BYTES);
        send(peer, new LinkEvent.SlotWritten(region.memory().get(PeerVerticle.SLOT, SLOT_BYTES * peer)));
    }

    // ---- what the links share

    @Override
    public GroupName group() {
        return group.name();
    }

    /** The life that holds the seat. Null before it has the seat and after it has given it up. */
    @Nullable
    Member self() {
        return self;
    }

    @Override
    public RankEntry ownEntry() {
        RankEntry own = entry;
        if (own == null) {
            throw new IllegalStateException("rank " + rank + " of group " + group.name() + " has not published");
        }
        return own;
    }

    @Override
    public Future<Channel> connect(ProcessAddress address) {
        return process.routing().connect(address);
    }

    @Override
    public @Nullable Channel channel(ChannelGeneration generation) {
        Channel channel = process.routing().channels().of(generation);
        return channel == null ? null : group.over(channel);
    }

    @Override
    public @Nullable Member localSeat(int other) {
        return group.localSeat(other);
    }

    @Override
    public Future<WarmupAnswer> askPolicy(RankEntry peer) {
        return group.policy().ask(ownEntry(), peer);
    }

    @Override
    public WarmupSlot slot(int peer, String transport) {
        GpuSlots onGpu = gpuSlots;
        return onGpu != null && transport.equals(GpuTransport.NAME)
                ? onGpu.slot(peer)
                : new WarmupSlot(slots.remote(), SLOT_BYTES * peer);
    }

    @Override
    public Future<Void> clearSlot(int peer) {
        GpuSlots onGpu = gpuSlots;
        return onGpu == null ? Future.succeededFuture() : onGpu.clear(peer);
    }

    @Override
    public void awaitSlot(int peer) {
        GpuSlots onGpu = gpuSlots;
        if (onGpu != null) {
            onGpu.watch(peer);
        }
    }

    @Override
    public Future<Void> writeWarmup(int peer, RankEntry target, Session session, long value) {
        Channel channel = channel(session.generation());
        if (channel == null) {
            return Future.failedFuture(MusterException.retry("the channel has ended"));
        }
        SegmentInfo there = GpuSlots.published(target, session.peerSlot());
        GpuSlots onGpu = gpuSlots;
        if (there != null) {
            return onGpu == null
                    ? Future.failedFuture(MusterException.config("the slot of rank " + peer
                            + " lies in the memory of a GPU, and this rank has none to write from"))
                    : onGpu.write(channel, target, there, session, value);
        }
        MemorySegment source = outgoing.asSlice(SLOT_BYTES * peer, SLOT_BYTES);
        source.set(PeerVerticle.SLOT, 0, value);
        return writeProved(channel, session.peerSlot(), source, 0);
    }

    /**
     * Writes a warmup value, and again if the peer refuses it as UNPROVED. A group with a secret accepts writes over a
     * channel only after a signed message has arrived over it. The accept is such a message, but it uses another
     * connection than the value that follows it, so the value can arrive first.
     */
    private Future<Void> writeProved(Channel channel, WarmupSlot slot, MemorySegment source, int refusals) {
        return channel.write(slot.region(), slot.offset(), source)
                .recover(failure -> failure instanceof WriteException refused
                                && refused.reason() == WriteException.Reason.UNPROVED
                                && refusals < PROVING_TRIES
                        ? process.vertx()
                                .timer(1L << refusals) // 1 ms, then twice as long each time
                                .compose(_ -> writeProved(channel, slot, source, refusals + 1))
                        : Future.failedFuture(failure));
    }

    /** Allocates the slots in the memory of a GPU, for mode fabric; if that fails, the offer carries the reason. */
    Future<SegmentHandle.FabricOffer> openGpuSlots() {
        return GpuSlots.open(process, group, rank)
                .<SegmentHandle.FabricOffer>map(opened -> {
                    gpuSlots = opened;
                    return opened.offer();
                })
                .otherwise(failure -> new SegmentHandle.FabricOffer.None(false, String.valueOf(failure.getMessage())));
    }

    /** The slots in the memory of a GPU. Null if there are none. */
    @Nullable
    GpuSlots gpuSlots() {
        return gpuSlots;
    }

    @Override
    public long nonce() {
        return process.nonce();
    }

    @Override
    public long jittered(long delayMs) {
        return Math.round(delayMs * (1 - JITTER * ThreadLocalRandom.current().nextDouble()));
    }

    @Override
    public void note(LinkChange change) {
        group.linkTable().note(change);
        process.flight().recorder().link(change);
    }
}
