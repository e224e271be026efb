// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.gpu;

import io.muster.cuda.Gpu;
import io.muster.cuda.Gpus;
import io.muster.cuda.driver.GpuCopy;
import io.muster.group.Direction;
import io.muster.group.GpuSlice;
import io.muster.group.Local;
import io.muster.group.WriteException;
import io.muster.segment.SegmentInfo;
import io.muster.transfer.Channel;
import io.muster.transfer.Move;
import io.muster.transfer.RemoteRegion;
import io.muster.transfer.WriteFailures;
import io.muster.transfer.memory.Backing;
import io.muster.transfer.memory.Lease;
import io.muster.transfer.memory.LeaseOutcome;
import io.muster.transfer.memory.RegionTable;
import io.muster.transfer.tcp.RawSocket;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * One-sided copies between this process and GPU memory. Checks the bounds, holds the lease, and starts the copy on the
 * right GPU. The future completes when the driver reports the end of the copy: the bytes are then in the destination,
 * and visible to every kernel that its owner launches afterwards (P-5).
 */
final class GpuCopies {
    private final RegionTable table;
    private final Gpus gpus;
    private final GpuRegions owned;
    private final GpuImports imports;

    GpuCopies(RegionTable table, Gpus gpus, GpuRegions owned, GpuImports imports) {
        this.table = table;
        this.gpus = gpus;
        this.owned = owned;
        this.imports = imports;
    }

    /** To or from GPU memory of this process. */
    Future<Void> own(RemoteRegion remote, Move move) {
        return switch (table.lease(remote.id(), remote.key(), move.offset(), move.bytes())) {
            case LeaseOutcome.Refused refused ->
                Future.failedFuture(WriteFailures.refused(
                        refused.reason(), refused.detail(), remote, move.offset(), move.bytes(), "this process"));
            case Lease lease -> released(lease, move, leased(remote, lease, move));
        };
    }

    private static Future<Void> released(Lease lease, Move move, Future<Void> moved) {
        return moved.onComplete(done -> {
            if (done.succeeded() && move.direction() == Direction.WRITE) {
                lease.announce();
            }
            lease.release();
        });
    }

    private Future<Void> leased(RemoteRegion remote, Lease lease, Move move) {
        if (!(lease.region().backing() instanceof Backing.OnGpu(Gpu gpu, var view, var _, var _))) {
            return Future.failedFuture(
                    new WriteException(WriteException.Reason.FAILED, "region " + remote.id() + " is not GPU memory"));
        }
        long address = view.address() + lease.offset();
        if (move.local() instanceof Local.OnGpu(GpuSlice slice) && slice.device() != gpu.device()) {
            return owned.gpu(slice.device())
                    .compose(other -> started(
                            gpu,
                            remote,
                            move,
                            move.direction() == Direction.WRITE
                                    ? peer(gpu, address, other, slice.address(), slice.bytes())
                                    : peer(other, slice.address(), gpu, address, slice.bytes()),
                            "this process"));
        }
        return started(gpu, remote, move, copy(address, move), "this process");
    }

    /** Between registered host memory and memory of a GPU, both of this process. */
    Future<Void> onHost(RemoteRegion remote, GpuSlice slice, Move move) {
        return switch (table.lease(remote.id(), remote.key(), move.offset(), slice.bytes())) {
            case LeaseOutcome.Refused refused ->
                Future.failedFuture(WriteFailures.refused(
                        refused.reason(), refused.detail(), remote, move.offset(), slice.bytes(), "this process"));
            case Lease lease ->
                released(lease, move, owned.gpu(slice.device()).compose(gpu -> {
                    MemorySegment memory = lease.region().memory().asSlice(move.offset(), slice.bytes());
                    return started(
                            gpu,
                            remote,
                            move,
                            move.direction() == Direction.WRITE
                                    ? new GpuCopy.ToHost(memory, slice.address())
                                    : new GpuCopy.ToDevice(slice.address(), memory),
                            "this process");
                }));
        };
    }

    /**
     * To or from GPU memory of another process. Fails with a {@link WriteException}; its kind is {@code FAILED} also if
     * the memory can't be mapped here.
     */
    Future<Void> remote(Channel channel, boolean sameHost, SegmentInfo info, Move move) {
        var remote = new RemoteRegion(info.region(), info.key(), info.bytes());
        long offset = move.offset();
        long bytes = move.bytes();
        if (info.gpu().isEmpty()) {
            return Future.failedFuture(
                    new WriteException(WriteException.Reason.FAILED, "segment " + info.name() + " is not GPU memory"));
        }
        if (bytes == 0) {
            return Future.failedFuture(WriteFailures.refused(
                    WriteException.Reason.EMPTY, "nothing to move", remote, offset, 0, channel.toString()));
        }
        if (offset < 0 || bytes > info.bytes() || offset > info.bytes() - bytes) {
            return Future.failedFuture(WriteFailures.refused(
                    WriteException.Reason.OUT_OF_BOUNDS,
                    "the region has " + info.bytes() + " bytes",
                    remote,
                    offset,
                    bytes,
                    channel.toString()));
        }
        return mapped(channel, sameHost, info, move.local()).compose(imported -> {
            if (!imported.lease()) {
                return Future.failedFuture(WriteFailures.refused(
                        WriteException.Reason.CLOSING,
                        "its owner is taking the region back",
                        remote,
                        offset,
                        bytes,
                        channel.toString()));
            }
            return started(imported.gpu(), remote, move, copy(imported.address() + offset, move), channel.toString())
                    .onComplete(_ -> imported.release());
        });
    }

    private Future<GpuImport> mapped(Channel channel, boolean sameHost, SegmentInfo info, Local local) {
        Gpu known = inUse(info, local);
        return known != null && known.lost() == null
                ? imports.get(channel, sameHost, info, known)
                : (local instanceof Local.OnGpu(GpuSlice slice)
                                ? owned.gpu(slice.device())
                                : owned.gpu(info.gpu().getFirst().device()))
                        .compose(gpu -> imports.get(channel, sameHost, info, gpu));
    }

    /**
     * The GPU of the local memory. For host memory: the GPU of the target if it is visible to this process, else the
     * first one. Null if that GPU is not in use yet.
     */
    private @Nullable Gpu inUse(SegmentInfo info, Local local) {
        return local instanceof Local.OnGpu(GpuSlice slice)
                ? gpus.inUse(slice.device())
                : gpus.inUse(info.gpu().getFirst().device());
    }

    private static GpuCopy peer(Gpu toGpu, long to, Gpu fromGpu, long from, long bytes) {
        return new GpuCopy.Peer(to, toGpu.context(), from, fromGpu.context(), bytes);
    }

    private static GpuCopy copy(long address, Move move) {
        boolean writes = move.direction() == Direction.WRITE;
        return switch (move.local()) {
            case Local.Host(MemorySegment memory) ->
                writes ? new GpuCopy.ToDevice(address, memory) : new GpuCopy.ToHost(memory, address);
            case Local.OnGpu(GpuSlice slice) ->
                writes
                        ? new GpuCopy.OnDevice(address, slice.address(), slice.bytes())
                        : new GpuCopy.OnDevice(slice.address(), address, slice.bytes());
        };
    }

    private static Future<Void> started(Gpu gpu, RemoteRegion remote, Move move, GpuCopy copy, String peer) {
        Promise<Void> promise = RawSocket.promise();
        move.queue().add(gpu, remote.id(), copy, failure -> {
            if (failure == null) {
                promise.complete();
            } else {
                promise.fail(GpuFailures.copy(failure, remote, move.offset(), copy.bytes(), peer));
            }
        });
        return promise.future();
    }
}
