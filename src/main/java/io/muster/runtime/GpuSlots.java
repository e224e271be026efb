// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.group.Direction;
import io.muster.group.Local;
import io.muster.peer.LinkEvent;
import io.muster.peer.LinkState;
import io.muster.peer.LinkTable;
import io.muster.peer.PeerVerticle;
import io.muster.peer.Session;
import io.muster.peer.WarmupSlot;
import io.muster.routing.RoutedGroup;
import io.muster.segment.RankEntry;
import io.muster.segment.SegmentHandle.FabricOffer;
import io.muster.segment.SegmentInfo;
import io.muster.transfer.Channel;
import io.muster.transfer.Move;
import io.muster.transfer.RemoteRegion;
import io.muster.transfer.gpu.GpuTransport;
import io.muster.transfer.memory.Region;
import io.muster.wire.Decoded;
import io.vertx.core.Future;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The warmup slots of one rank in the memory of a GPU: 64 bits for each peer to write into, and as many from which this
 * rank writes, so that the bytes go from GPU to GPU. They are zero before they are published. A write into them raises
 * no event. So while links wait for a value, all slots are copied to the host together: without pause for the first
 * {@code OFTEN_NANOS}, then every millisecond.
 */
final class GpuSlots {
    private static final String NAME = "warmup";
    private static final long BYTES = Long.BYTES;
    /** A warmup is over within this time, unless the peer is late. */
    private static final long OFTEN_NANOS = 5_000_000;
    /** The shortest timer of Vert.x. */
    private static final long LATER_MS = 1;

    private final MusterProcess process;
    private final RoutedGroup group;
    private final int rank;
    private final GpuTransport transfers;
    private final Region region;
    private final MemorySegment seen;
    /**
     * The last value of each slot that was reported to its link. Like {@code awaited}, it is used by links and by the
     * GPU's worker, so it is guarded by this object's monitor.
     */
    private final long[] reported;

    private final Set<Integer> awaited = new HashSet<>();
    private boolean polling;
    private long oftenUntilNanos;

    private GpuSlots(MusterProcess process, RoutedGroup group, int rank, Region region) {
        this.process = process;
        this.group = group;
        this.rank = rank;
        this.transfers = process.transfers();
        this.region = region;
        this.seen = Arena.ofAuto().allocate(BYTES * group.worldSize(), BYTES);
        this.reported = new long[group.worldSize()];
    }

    /** Fails with CONFIG if there is no GPU, or it gives no memory that can be shared. */
    static Future<GpuSlots> open(MusterProcess process, RoutedGroup group, int rank) {
        int device = process.options().gpu().device();
        return process.transfers()
                .allocate(group.name() + "/" + rank + "/" + NAME, device, 2 * BYTES * group.worldSize())
                .map(region -> new GpuSlots(process, group, rank, region));
    }

    /** The offer in the handle by which peers reach the slots. */
    FabricOffer offer() {
        return new FabricOffer.GpuSlots(
                region.info(NAME).toBytes(),
                "slots in the memory of GPU " + region.gpu().orElseThrow().device());
    }

    /** The peer's slots in the memory of a GPU, if that is where this slot is; null if it is elsewhere. */
    static @Nullable SegmentInfo published(RankEntry peer, WarmupSlot slot) {
        return peer.handle().fabric() instanceof FabricOffer.GpuSlots slots
                        && SegmentInfo.of(slots.export()) instanceof Decoded.Valid<SegmentInfo>(SegmentInfo info)
                        && info.region() == slot.region().id()
                        && info.key() == slot.region().key()
                ? info
                : null;
    }

    WarmupSlot slot(int peer) {
        return new WarmupSlot(region.remote(), BYTES * peer);
    }

    Future<Void> clear(int peer) {
        synchronized (this) {
            reported[peer] = 0;
        }
        return own(BYTES * peer, 0L);
    }

    private Future<Void> own(long offset, long value) {
        MemorySegment word = Arena.ofAuto().allocate(BYTES, BYTES);
        word.set(PeerVerticle.SLOT, 0, value);
        return transfers.own(region.remote(), Move.alone(Direction.WRITE, offset, new Local.Host(word)));
    }

    /** From this GPU into the peer's. */
    Future<Void> write(Channel channel, RankEntry target, SegmentInfo there, Session session, long value) {
        long from = BYTES * (group.worldSize() + target.member().rank());
        return own(from, value)
                .compose(_ -> transfers.direct(
                        channel,
                        isHere(target),
                        there,
                        Move.alone(
                                Direction.WRITE,
                                session.peerSlot().offset(),
                                new Local.OnGpu(region.gpu().orElseThrow().slice(from, BYTES)))));
    }

    /** Reads the slot that the peer has for this rank: its memory is still within reach. */
    Future<Void> touch(Channel channel, RankEntry target, SegmentInfo there, Session session) {
        long into = BYTES * (group.worldSize() + target.member().rank());
        return transfers.direct(
                channel,
                isHere(target),
                there,
                Move.alone(
                        Direction.READ,
                        session.peerSlot().offset(),
                        new Local.OnGpu(region.gpu().orElseThrow().slice(into, BYTES))));
    }

    private boolean isHere(RankEntry target) {
        return target.handle().hostId().equals(process.hostId());
    }

    /** Polls for a value from this peer as long as its link waits for one. */
    synchronized void watch(int peer) {
        awaited.add(peer);
        oftenUntilNanos = System.nanoTime() + OFTEN_NANOS;
        if (!polling) {
            polling = true;
            poll();
        }
    }

    private void poll() {
        transfers
                .own(
                        new RemoteRegion(region.id(), region.remote().key(), region.bytes()),
                        Move.alone(Direction.READ, 0, new Local.Host(seen)))
                .onComplete(read -> {
                    if (read.succeeded()) {
                        report();
                    }
                    again(read.succeeded());
                });
    }

    private synchronized void report() {
        for (int peer : awaited) {
            long value = seen.get(PeerVerticle.SLOT, BYTES * peer);
            if (value != 0 && value != reported[peer]) {
                reported[peer] = value;
                group.links().send(rank, peer, new LinkEvent.SlotWritten(value));
            }
        }
    }

    private synchronized void again(boolean readable) {
        awaited.removeIf(peer -> !isWaiting(peer));
        if (awaited.isEmpty() || region.isClosed()) {
            polling = false;
        } else if (readable && System.nanoTime() - oftenUntilNanos < 0) {
            poll();
        } else {
            process.vertx().setTimer(LATER_MS, _ -> poll());
        }
    }

    private boolean isWaiting(int peer) {
        LinkTable.Row row = group.linkTable().row(rank, peer);
        return row != null
                && switch (row.state()) {
                    case LinkState.OpeningSegment _, LinkState.WaitingWarmupTransfer _, LinkState.WaitingPeerWarmup _ ->
                        true;
                    case LinkState.WaitingStore _,
                            LinkState.Connected _,
                            LinkState.BackingOff _,
                            LinkState.Refused _,
                            LinkState.Expiring _,
                            LinkState.Expired _ -> false;
                };
    }

    Future<Void> close(Duration bound) {
        synchronized (this) {
            awaited.clear();
            Arrays.fill(reported, 0);
        }
        return region.close(bound).mapEmpty();
    }
}
