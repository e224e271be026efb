// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.gpu;

import io.muster.cuda.Gpu;
import io.muster.cuda.GpuView;
import io.muster.cuda.driver.GpuCopy;
import io.muster.cuda.driver.GpuTrouble;
import io.muster.group.Direction;
import io.muster.group.GpuSlice;
import io.muster.group.Local;
import io.muster.group.MusterException;
import io.muster.group.WriteException;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.ControlKind;
import io.muster.transfer.HostMemory;
import io.muster.transfer.RemoteRegion;
import io.muster.transfer.WriteFailures;
import io.muster.transfer.memory.Backing;
import io.muster.transfer.memory.Lease;
import io.muster.transfer.memory.LeaseOutcome;
import io.muster.transfer.memory.Region;
import io.muster.transfer.memory.RegionTable;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;

/**
 * Transfers over the bulk connection that need more than one write: reads, and transfers from or to GPU memory that
 * can't be mapped. For a read, this process registers memory and asks the other process to write into it. GPU memory is
 * staged through host memory, in pieces of at most {@link TransferMessage#MAX_STAGED_BYTES}.
 */
final class StagedTransfers {
    /** Staging areas that one channel may have requested and not yet committed. */
    private static final int MAX_PLACES = 16;

    private final RegionTable table;
    private final GpuRegions gpus;
    private final Questions questions;
    /** Staging memory that is still in use after this is leaked: no transfer waits longer for the next bytes. */
    private final Duration bound;
    /** Staging areas for other processes, by region id. Contexts of channels meet here; the map guards itself. */
    private final Map<Integer, Place> places = new HashMap<>();

    private record Place(ChannelGeneration channel, Region region) {}

    StagedTransfers(RegionTable table, GpuRegions gpus, Questions questions, Duration bound) {
        this.table = table;
        this.gpus = gpus;
        this.questions = questions;
        this.bound = bound;
    }

    // ---- requests of this process

    /** Moves bytes between local memory and a region of another process over the bulk connection. */
    Future<Void> move(
            Direction direction, Channel channel, RemoteRegion remote, boolean targetOnGpu, long offset, Local local) {
        if (local.bytes() == 0) {
            return Future.failedFuture(WriteFailures.refused(
                    WriteException.Reason.EMPTY, "nothing to move", remote, offset, 0, channel.toString()));
        }
        if (offset < 0 || local.bytes() > remote.bytes() || offset > remote.bytes() - local.bytes()) {
            return Future.failedFuture(WriteFailures.refused(
                    WriteException.Reason.OUT_OF_BOUNDS,
                    "the region has " + remote.bytes() + " bytes",
                    remote,
                    offset,
                    local.bytes(),
                    channel.toString()));
        }
        if (local instanceof Local.Host(MemorySegment memory) && !targetOnGpu) {
            return direction == Direction.WRITE
                    ? channel.write(remote, offset, memory)
                    : read(channel, remote, offset, memory);
        }
        return pieces(direction, channel, remote, targetOnGpu, offset, local, 0);
    }

    private Future<Void> pieces(
            Direction direction,
            Channel channel,
            RemoteRegion remote,
            boolean targetOnGpu,
            long offset,
            Local local,
            long done) {
        if (done == local.bytes()) {
            return Future.succeededFuture();
        }
        long length = Math.min(TransferMessage.MAX_STAGED_BYTES, local.bytes() - done);
        Local part = local.part(done, length);
        return (direction == Direction.WRITE
                        ? writePiece(channel, remote, targetOnGpu, offset + done, part)
                        : readPiece(channel, remote, offset + done, part))
                .compose(_ -> pieces(direction, channel, remote, targetOnGpu, offset, local, done + length));
    }

    private Future<Void> writePiece(
            Channel channel, RemoteRegion remote, boolean targetOnGpu, long offset, Local part) {
        return onHost(
                part,
                true,
                memory -> targetOnGpu
                        ? writeStaged(channel, remote, offset, memory)
                        : channel.write(remote, offset, memory));
    }

    private Future<Void> writeStaged(Channel channel, RemoteRegion remote, long offset, MemorySegment memory) {
        return questions
                .ask(channel, request -> new TransferMessage.Stage(request, memory.byteSize()))
                .compose(place -> channel.write(place.place(), 0, memory)
                        .compose(_ -> questions.ask(
                                channel,
                                request -> new TransferMessage.Commit(request, place.place(), remote, offset))))
                .mapEmpty();
    }

    private Future<Void> readPiece(Channel channel, RemoteRegion remote, long offset, Local part) {
        return onHost(part, false, memory -> read(channel, remote, offset, memory));
    }

    private Future<Void> read(Channel channel, RemoteRegion remote, long offset, MemorySegment memory) {
        Region into;
        try {
            into = table.register("read", memory, null);
        } catch (MusterException unusable) {
            return Future.failedFuture(
                    new WriteException(WriteException.Reason.UNUSABLE, String.valueOf(unusable.getMessage())));
        }
        return questions
                .ask(
                        channel,
                        request -> new TransferMessage.Read(request, remote, offset, memory.byteSize(), into.remote()))
                .<Void>mapEmpty()
                .transform(read -> into.close(bound)
                        .transform(_ -> read.succeeded()
                                ? Future.succeededFuture()
                                : Future.failedFuture(
                                        memory.scope().isAlive()
                                                ? read.cause()
                                                : freed(remote, offset, memory, channel))));
    }

    private static WriteException freed(RemoteRegion remote, long offset, MemorySegment memory, Channel channel) {
        return WriteFailures.refused(
                WriteException.Reason.UNUSABLE,
                HostMemory.CLOSED_UNDER_WAY,
                remote,
                offset,
                memory.byteSize(),
                channel.toString());
    }

    /**
     * Passes host memory on as it is. For GPU memory, passes a staging area on, and copies between both.
     *
     * @param before true: copy from the GPU before {@code act}; false: copy to the GPU after it
     */
    private Future<Void> onHost(Local part, boolean before, Function<MemorySegment, Future<Void>> act) {
        if (part instanceof Local.Host(MemorySegment memory)) {
            return act.apply(memory);
        }
        GpuSlice slice = ((Local.OnGpu) part).slice();
        Region stage = table.allocate("stage", slice.bytes(), null);
        return gpus.gpu(slice.device())
                .compose(gpu -> {
                    Future<Void> first = before
                            ? copied(gpu, new GpuCopy.ToHost(stage.memory(), slice.address()))
                            : Future.succeededFuture();
                    return first.compose(_ -> act.apply(stage.memory()))
                            .compose(_ -> before
                                    ? Future.<Void>succeededFuture()
                                    : copied(gpu, new GpuCopy.ToDevice(slice.address(), stage.memory())));
                })
                .transform(done -> stage.close(bound)
                        .transform(
                                _ -> done.succeeded() ? Future.succeededFuture() : Future.failedFuture(done.cause())));
    }

    static Future<Void> copied(Gpu gpu, GpuCopy copy) {
        Promise<Void> promise = Promise.promise();
        gpu.copy(0, copy, failure -> {
            if (failure == null) {
                promise.complete();
            } else {
                promise.fail(new WriteException(WriteException.Reason.FAILED, GpuTrouble.sentence(failure)));
            }
        });
        return promise.future();
    }

    // ---- requests of other processes

    void asked(Channel channel, TransferMessage.Read read) {
        answer(
                channel,
                read.request(),
                switch (table.lease(
                        read.from().id(), read.from().key(), read.offset(), read.bytes(), channel::isGranted)) {
                    case LeaseOutcome.Refused(WriteException.Reason reason, String detail) ->
                        Future.failedFuture(new WriteException(reason, detail));
                    case Lease lease ->
                        (lease.region().backing() instanceof Backing.OnGpu(Gpu gpu, GpuView view, var _, var _)
                                        ? sendStaged(channel, read, gpu, view)
                                        : channel.write(
                                                read.into(),
                                                0,
                                                lease.region().memory().asSlice(read.offset(), read.bytes())))
                                .onComplete(_ -> lease.release());
                });
    }

    private Future<Void> sendStaged(Channel channel, TransferMessage.Read read, Gpu gpu, GpuView view) {
        if (read.bytes() > TransferMessage.MAX_STAGED_BYTES) {
            return Future.failedFuture(new WriteException(
                    WriteException.Reason.OUT_OF_BOUNDS,
                    read.bytes() + " bytes of GPU memory in one read, at most " + TransferMessage.MAX_STAGED_BYTES
                            + " are allowed"));
        }
        Region stage = table.allocate("stage", read.bytes(), null);
        return copied(gpu, new GpuCopy.ToHost(stage.memory(), view.address() + read.offset()))
                .compose(_ -> channel.write(read.into(), 0, stage.memory()))
                .onComplete(_ -> stage.close(bound));
    }

    void asked(Channel channel, TransferMessage.Stage wanted) {
        Region place;
        synchronized (places) {
            long taken = places.values().stream()
                    .filter(one -> one.channel().equals(channel.generation()))
                    .count();
            if (wanted.bytes() < 1 || wanted.bytes() > TransferMessage.MAX_STAGED_BYTES || taken >= MAX_PLACES) {
                channel.send(
                        ControlKind.TRANSFER,
                        TransferMessage.Answer.refused(
                                        wanted.request(),
                                        WriteException.Reason.FAILED,
                                        "no staging area of " + wanted.bytes() + " bytes: at most "
                                                + TransferMessage.MAX_STAGED_BYTES + " bytes in each of " + MAX_PLACES
                                                + ", and " + taken + " are in use")
                                .encode());
                return;
            }
            place = table.allocate("stage", wanted.bytes(), null);
            places.put(place.id(), new Place(channel.generation(), place));
        }
        channel.send(
                ControlKind.TRANSFER, new TransferMessage.Answer(wanted.request(), 0, "", place.remote()).encode());
    }

    void asked(Channel channel, TransferMessage.Commit commit) {
        Place place;
        synchronized (places) {
            place = places.get(commit.staged().id());
            if (place != null && place.channel().equals(channel.generation())) {
                places.remove(commit.staged().id());
            } else {
                place = null;
            }
        }
        if (place == null) {
            answer(
                    channel,
                    commit.request(),
                    Future.failedFuture(new WriteException(
                            WriteException.Reason.UNKNOWN_REGION,
                            "no staging area " + commit.staged().id() + " of this channel")));
            return;
        }
        Region staged = place.region();
        Future<Void> done = switch (table.lease(
                commit.to().id(), commit.to().key(), commit.offset(), staged.bytes(), channel::isGranted)) {
            case LeaseOutcome.Refused(WriteException.Reason reason, String detail) ->
                Future.failedFuture(new WriteException(reason, detail));
            case Lease lease ->
                (lease.region().backing() instanceof Backing.OnGpu(Gpu gpu, GpuView view, var _, var _)
                                ? copied(gpu, new GpuCopy.ToDevice(view.address() + commit.offset(), staged.memory()))
                                : Future.<Void>failedFuture(new WriteException(
                                        WriteException.Reason.FAILED,
                                        "region " + commit.to().id() + " is not GPU memory")))
                        .onSuccess(_ -> lease.announce())
                        .onComplete(_ -> lease.release());
        };
        answer(channel, commit.request(), done);
        done.onComplete(_ -> staged.close(bound));
    }

    private static void answer(Channel channel, long request, Future<Void> done) {
        done.onComplete(outcome -> channel.send(
                ControlKind.TRANSFER,
                (outcome.succeeded()
                                ? TransferMessage.Answer.done(request)
                                : outcome.cause() instanceof WriteException known
                                        ? TransferMessage.Answer.refused(
                                                request, known.reason(), String.valueOf(known.getMessage()))
                                        : TransferMessage.Answer.refused(
                                                request,
                                                WriteException.Reason.FAILED,
                                                String.valueOf(outcome.cause().getMessage())))
                        .encode()));
    }

    void lost(ChannelGeneration channel) {
        synchronized (places) {
            places.values().removeIf(place -> {
                boolean its = place.channel().equals(channel);
                if (its) {
                    place.region().close(bound);
                }
                return its;
            });
        }
    }
}
