// SPDX-License-Identifier: Apache-2.0

package io.muster;

import io.muster.cuda.copy.CopyBatch;
import io.muster.cuda.copy.CopyQueue;
import io.muster.group.AllConnected;
import io.muster.group.Direction;
import io.muster.group.GpuSlice;
import io.muster.group.GroupName;
import io.muster.group.Local;
import io.muster.group.Member;
import io.muster.group.MusterException;
import io.muster.group.StuckReport;
import io.muster.group.WriteException;
import io.muster.options.GroupOptions;
import io.muster.peer.LinkState;
import io.muster.peer.LinkTable;
import io.muster.peer.Session;
import io.muster.runtime.LocalGroup;
import io.muster.segment.SegmentInfo;
import io.muster.transfer.Channel;
import io.muster.transfer.HostMemory;
import io.muster.transfer.Move;
import io.muster.transfer.RemoteRegion;
import io.muster.transfer.WriteFailures;
import io.muster.transfer.memory.LocalTransport;
import io.muster.transfer.memory.Region;
import io.vertx.core.Future;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A rank that this process has joined a group with. All methods may be called from any thread; futures complete on the
 * caller's context, if the caller has one of the same Vert.x.
 */
public final class JoinedRank {
    /** A century. A longer deadline would not fit into the nanoseconds of a timer. */
    private static final Duration LONGEST = Duration.ofDays(36_525);

    private final LocalGroup runtime;
    private final int rank;
    private final Member member;
    private final LocalTransport local;

    JoinedRank(LocalGroup runtime, Member member) {
        this.runtime = runtime;
        this.rank = member.rank();
        this.member = member;
        this.local = new LocalTransport(runtime.process().regions());
    }

    public GroupName group() {
        return runtime.name();
    }

    public int worldSize() {
        return runtime.worldSize();
    }

    /** The rank with the life that this process published it under. */
    public Member member() {
        return member;
    }

    /**
     * The rank's own memory under this name; others write into it.
     *
     * @throws MusterException of kind CONFIG if no such segment was registered, FATAL if the rank has left
     */
    public MemorySegment segment(String name) {
        Region region = runtime.seat(rank).segment(name);
        if (region == null) {
            throw MusterException.config("rank " + rank + " of group " + group() + " has no segment '" + name + "'");
        }
        if (region.gpu().isPresent()) {
            throw MusterException.config("segment '" + name + "' of rank " + rank + " of group " + group()
                    + " lies in the memory of a GPU, which the CPU can't access: use gpuSegment, read or write");
        }
        return region.memory();
    }

    /**
     * The rank's own memory on a GPU under this name; others write into it.
     *
     * @throws MusterException of kind CONFIG if no such segment was registered, or it is no memory of a GPU, FATAL if
     *     the rank has left
     */
    public GpuSlice gpuSegment(String name) {
        Region region = runtime.seat(rank).segment(name);
        return (region == null ? Optional.<GpuSlice>empty() : region.gpu())
                .orElseThrow(() -> MusterException.config(
                        "rank " + rank + " of group " + group() + " has no segment '" + name + "' on a GPU"));
    }

    /**
     * Registers memory on a GPU after joining: allocates it there, zeroed, so that other processes of this host (of
     * this fabric, if one is proven) can map it, and publishes the rank's handle anew. The first use of a GPU makes its
     * primary context, for which it takes a tenth of a second or more, unless the application holds it.
     *
     * @param name unique within the rank, 1 to 64 characters, not blank
     * @param device index of the GPU in this process, from 0, as {@code CUDA_VISIBLE_DEVICES} counts
     * @param bytes at least 1; the driver rounds up to whole granules, 2 MiB on the GPUs seen so far
     * @return where it is, when the new handle is in the store; fails with CONFIG if there is no such GPU, or it gives
     *     no such memory
     */
    public Future<GpuSlice> registerGpu(String name, int device, long bytes) {
        return registerGpu(name, bytes, region -> runtime.process().transfers().allocate(region, device, bytes));
    }

    /**
     * Registers memory on a GPU that the application has allocated with {@code cuMemAlloc} or {@code cudaMalloc} (not
     * from a pool, and not with {@code cuMemCreate}): other processes of this host map it by CUDA's inter-process
     * handles. The application must not free it before the rank has left, and never if {@link #leave} reports a leak.
     *
     * @return completes when the new handle is in the store; fails with CONFIG if the memory can't be shared
     */
    public Future<GpuSlice> registerGpu(String name, GpuSlice memory) {
        return registerGpu(
                name,
                memory.bytes(),
                region -> runtime.process()
                        .transfers()
                        .register(region, memory.device(), memory.address(), memory.bytes()));
    }

    /**
     * Takes a segment back: publishes the rank's handle without it, refuses every later transfer, waits for those that
     * are under way and for the processes that have it mapped, and frees it.
     *
     * @return completes when no process can reach the memory any more; fails with CONFIG if there is no such segment,
     *     with RETRY if it is still in use after {@code peer.close.timeoutMs}: then the memory stays allocated until
     *     the process ends
     */
    public Future<Void> unregister(String name) {
        return runtime.process()
                .own()
                .run(
                        "unregister segment '" + name + "' of " + this,
                        this::whatIsMissing,
                        () -> runtime.unregister(rank, name))
                .compose(end -> switch (end) {
                    case Region.End.Closed _ -> Future.succeededFuture();
                    case Region.End.Leaked(int leases, long waitedMs) ->
                        Future.failedFuture(MusterException.retry("segment '" + name + "' of rank " + rank
                                + " of group " + group() + " is still used (" + leases
                                + " transfers of this process, waited " + waitedMs
                                + " ms): its memory stays allocated"));
                });
    }

    private Future<GpuSlice> registerGpu(String name, long bytes, Function<String, Future<Region>> make) {
        return runtime.process()
                .own()
                .run(
                        "register GPU segment '" + name + "' of " + this,
                        this::whatIsMissing,
                        () -> runtime.registerGpu(rank, new GroupOptions.Segment(name, bytes), make)
                                .map(region -> region.gpu().orElseThrow()));
    }

    /**
     * Registers memory after joining: allocates it off the heap, zeroed, and publishes the rank's handle anew, with a
     * greater revision of the same life. Links stay up, and the epoch stands.
     *
     * @param name unique within the rank, 1 to 64 characters, not blank
     * @param bytes at least 1
     * @return the memory, when the new handle is in the store; others see it in {@link #segments} a moment later. While
     *     the store does not answer, it is tried again. Fails with CONFIG if the name is taken, or the memory can't be
     *     had, with FATAL if the rank is not in the group or leaves it first
     */
    public Future<MemorySegment> register(String name, long bytes) {
        return runtime.process()
                .own()
                .run(
                        "register segment '" + name + "' of " + this,
                        this::whatIsMissing,
                        () -> runtime.register(rank, name, bytes).map(Region::memory));
    }

    /**
     * The segments of a rank, this one included: those in the newest handle that has arrived here, in the order of
     * registration.
     *
     * @return empty if the rank has none, or none that is known here yet
     * @throws MusterException of kind CONFIG if there is no such rank, FATAL if it is this one and has left
     */
    public List<PublishedSegment> segments(int peer) {
        return segmentInfos(peer).stream()
                .map(info -> new PublishedSegment(info.name(), info.bytes(), info.isOnGpu()))
                .toList();
    }

    /** The same with the keys and the GPU handles by which transfers reach the memory. */
    List<SegmentInfo> segmentInfos(int peer) {
        MusterException outside = outside(peer);
        if (outside != null) {
            throw outside;
        }
        if (peer == rank) {
            return runtime.seat(rank).segmentInfos();
        }
        LinkTable.Row row = runtime.linkTable().row(rank, peer);
        return row == null ? List.of() : published(row.state());
    }

    private @Nullable MusterException outside(int peer) {
        return peer >= 0 && peer < worldSize()
                ? null
                : MusterException.config("rank " + peer + " is outside the world size " + worldSize() + " of group "
                        + group() + ": ranks are 0.." + (worldSize() - 1));
    }

    private static List<SegmentInfo> published(LinkState state) {
        var target = state.history().target();
        return target == null ? List.of() : target.entry().handle().segments();
    }

    /**
     * Waits until all ranks are connected in an epoch that this rank is in.
     *
     * @return completes from the store's truth, at once if they are now; fails with RETRY, the stuck report and the
     *     file of the flight record when the deadline passes, and with FATAL when the rank ends, leaves or is closed
     *     first
     */
    public Future<AllConnected> allConnected(Duration deadline) {
        return runtime.process()
                .own()
                .answer(
                        "all connected",
                        () -> runtime.barrier()
                                .allConnected(rank, millis(deadline))
                                .recover(failure -> runtime.process().flight().deadlineMissed(group(), rank, failure)));
    }

    /** In milliseconds; longer than a century is a century, and a time that has passed is none. */
    private static long millis(Duration deadline) {
        if (deadline.isNegative()) {
            return 0;
        }
        return deadline.compareTo(LONGEST) > 0 ? LONGEST.toMillis() : deadline.toMillis();
    }

    /**
     * The ranks that are missing now, as this process sees it; fails with FATAL if the group is closed here. While the
     * event loop of the group stands still for {@code status.loopLimitMs}, the report says where it stands, and names
     * no rank.
     */
    public Future<StuckReport> report() {
        return runtime.process().own().answer("report", () -> runtime.barrier().report());
    }

    /**
     * Writes into a segment of another rank, or of this one.
     *
     * @param peer rank to write to, 0 to world size − 1
     * @param segment name under which that rank has registered it
     * @param offset first byte in the target segment
     * @param source off-heap memory, at least 1 byte; must stay valid and unchanged until the future completes
     * @return completes when the bytes have been applied at the destination; without a context of the caller, on the
     *     thread that learns of it, which must not be blocked. Fails with a {@link MusterException}: a
     *     {@link WriteException} with the reason if they were not, RETRY if the link to that rank is not CONNECTED,
     *     CONFIG if there is no such rank, if it has no such segment, or if the source can't be used: it is on the Java
     *     heap, confined to one thread, or its arena is closed; FATAL if the rank has left, or if Muster or Vert.x was
     *     closed first: then it is not known whether the bytes were applied
     */
    public Future<Void> write(int peer, String segment, long offset, MemorySegment source) {
        return transfer(Transfer.write(peer, segment, offset, source));
    }

    /** The same from the memory of a GPU that this process sees. */
    public Future<Void> write(int peer, String segment, long offset, GpuSlice source) {
        return transfer(Transfer.write(peer, segment, offset, source));
    }

    /**
     * Reads from a segment of another rank, or of this one. The other rank takes part only if its memory can't be
     * mapped here.
     *
     * @param destination off-heap memory, writable, accessible from every thread, at least 1 byte; not to be read until
     *     the future completes
     * @return completes when the bytes have arrived; fails as {@link #write} does
     */
    public Future<Void> read(int peer, String segment, long offset, MemorySegment destination) {
        return transfer(Transfer.read(peer, segment, offset, destination));
    }

    /** The same into the memory of a GPU that this process sees. */
    public Future<Void> read(int peer, String segment, long offset, GpuSlice destination) {
        return transfer(Transfer.read(peer, segment, offset, destination));
    }

    /**
     * Starts all at once, in no order. The copies of one GPU are submitted to the driver together and complete
     * together, which costs one submission and one completion check for all of them.
     *
     * @return completes when all have; if some fail, with the first failure in the list, after all have ended. Each
     *     fails as {@link #write} does
     */
    public Future<Void> transfer(List<Transfer> batch) {
        var together = new CopyBatch();
        List<Future<Void>> started;
        try {
            started = batch.stream().map(one -> transfer(one, together)).toList();
        } finally {
            together.start();
        }
        return started.isEmpty()
                ? Future.succeededFuture()
                : Future.join(started).mapEmpty();
    }

    /**
     * Moves bytes between this process and a segment. Each end may be memory of the host or of a GPU. Memory of GPUs is
     * mapped and copied by this process's GPU where that is possible ({@code cuda}). Otherwise its bytes are staged on
     * the hosts and sent over the bulk connection, or the transfer fails if {@code gpu.fallback} is none.
     *
     * @return completes when the bytes are in the destination (P-5): for memory of a GPU, visible to every kernel that
     *     is launched afterwards. Completes and fails as {@link #write} does
     */
    public Future<Void> transfer(Transfer wanted) {
        return transfer(wanted, CopyQueue.AT_ONCE);
    }

    private Future<Void> transfer(Transfer wanted, CopyQueue queue) {
        return runtime.process()
                .own()
                .transferred(begin(wanted, queue).recover(failure -> Future.failedFuture(named(wanted, failure))));
    }

    /** The same failure; it says which transfer of which rank has failed. */
    private Throwable named(Transfer wanted, Throwable failure) {
        return failure instanceof WriteException known
                ? new WriteException(
                        known.reason(),
                        this + " can't " + (wanted.direction() == Direction.WRITE ? "write into" : "read from")
                                + " segment '" + wanted.segment() + "' of rank " + wanted.peer() + ": "
                                + known.getMessage())
                : failure;
    }

    private Future<Void> begin(Transfer wanted, CopyQueue queue) {
        int peer = wanted.peer();
        MusterException outside = outside(peer);
        if (outside != null) {
            return Future.failedFuture(outside);
        }
        LinkTable.Row row = runtime.linkTable().row(rank, peer);
        if (row == null || !(row.state() instanceof LinkState.Connected connected)) {
            return Future.failedFuture(runtime.notConnected(rank, peer));
        }
        SegmentInfo info = peer == rank ? own(wanted.segment()) : named(published(connected), wanted.segment());
        if (info == null) {
            return noSegment(peer, wanted.segment());
        }
        WriteException unusable = unusable(wanted, info);
        if (unusable != null) {
            return Future.failedFuture(unusable);
        }
        var move = new Move(wanted.direction(), wanted.offset(), wanted.local(), queue);
        Session session = connected.session();
        if (session == null) {
            return here(info, move);
        }
        Channel channel = runtime.process().routing().channels().of(session.generation());
        return channel == null
                ? Future.failedFuture(MusterException.retry("the connection to rank " + peer + " of group " + group()
                        + " has just ended; wait for all-connected"))
                : runtime.process().transfers().remote(channel, onThisHost(connected), info, move);
    }

    /** One rule for every way that the bytes may take: within this process, over a channel, or by a GPU. */
    private @Nullable WriteException unusable(Transfer wanted, SegmentInfo info) {
        boolean reads = wanted.direction() == Direction.READ;
        String problem =
                wanted.local() instanceof Local.Host(MemorySegment memory) ? HostMemory.problem(memory, reads) : null;
        return problem == null
                ? null
                : WriteFailures.refused(
                        WriteException.Reason.UNUSABLE,
                        (reads ? "the destination " : "the source ") + problem,
                        new RemoteRegion(info.region(), info.key(), info.bytes()),
                        wanted.offset(),
                        wanted.local().bytes(),
                        "rank " + wanted.peer() + " of group " + group());
    }

    private static @Nullable SegmentInfo named(List<SegmentInfo> all, String name) {
        for (SegmentInfo one : all) {
            if (one.name().equals(name)) {
                return one;
            }
        }
        return null;
    }

    private @Nullable SegmentInfo own(String segment) {
        Region region = runtime.seat(rank).segment(segment);
        return region == null ? null : region.info(segment);
    }

    /** Between ranks of this process. */
    private Future<Void> here(SegmentInfo info, Move move) {
        var region = new RemoteRegion(info.region(), info.key(), info.bytes());
        if (info.isOnGpu()) {
            return runtime.process().transfers().own(region, move);
        }
        return switch (move.local()) {
            case Local.Host(MemorySegment memory) ->
                move.direction() == Direction.WRITE
                        ? local.write(region, move.offset(), memory)
                        : local.read(region, move.offset(), memory);
            case Local.OnGpu(GpuSlice slice) -> runtime.process().transfers().onHost(region, slice, move);
        };
    }

    private boolean onThisHost(LinkState.Connected connected) {
        var target = connected.history().target();
        return target != null
                && target.entry().handle().hostId().equals(runtime.process().hostId());
    }

    private Future<Void> noSegment(int peer, String segment) {
        return Future.failedFuture(MusterException.config(
                "rank " + peer + " of group " + group() + " has published no segment '" + segment + "'"));
    }

    LocalGroup runtime() {
        return runtime;
    }

    /**
     * Leaves the group. The other ranks are notified, and no rank is blamed. Waits of this rank fail with FATAL.
     *
     * @return completes when the seat is free and the memory released, or leaked because a transfer still uses it after
     *     {@code peer.close.timeoutMs}; at once if the rank has left before
     */
    public Future<Void> leave() {
        return runtime.process().own().runLeave("leave " + this, this::whatIsMissing, () -> runtime.leave(rank));
    }

    private Future<String> whatIsMissing() {
        return runtime.whatIsMissing();
    }

    @Override
    public String toString() {
        return "rank " + rank + " of group " + group();
    }
}
