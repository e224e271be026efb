// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.gpu;

import io.muster.cuda.Gpu;
import io.muster.cuda.GpuView;
import io.muster.cuda.Gpus;
import io.muster.cuda.driver.CudaFacts;
import io.muster.cuda.driver.GpuExport;
import io.muster.cuda.driver.ShareKind;
import io.muster.descriptor.DescriptorServer;
import io.muster.group.GroupName;
import io.muster.group.MusterException;
import io.muster.group.WriteException;
import io.muster.segment.GpuRecord;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.ControlKind;
import io.muster.transfer.memory.Backing;
import io.muster.transfer.memory.Region;
import io.muster.transfer.memory.RegionTable;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The GPU memory that this process has registered, and who has mapped it. Whoever maps a region says so first and when
 * it has let go; memory is freed when nobody has it mapped any more. Freeing memory that another process has mapped
 * would not hurt what {@code cuMemCreate} made (it goes with its last mapping), and is undefined for what
 * {@code cuMemAlloc} made: so that of a process that is lost from sight is kept until it has ended.
 *
 * <p>Channels' contexts, workers of GPUs and the application meet here: the map is guarded by this object's monitor.
 */
final class GpuRegions {
    private final Vertx vertx;
    private final RegionTable table;
    private final Gpus gpus;
    private final ShareKind kind;
    private final Function<ChannelGeneration, @Nullable Channel> channels;
    private final Map<Integer, Attached> attached = new HashMap<>();
    private @Nullable DescriptorServer server;

    /** Who has a region mapped, and who waits for the last to let go. */
    private static final class Attached {
        final Map<ChannelGeneration, Mapper> mappers = new HashMap<>();
        final Promise<Void> free = Promise.promise();
    }

    private static final class Mapper {
        final long pid;
        int mappings;

        Mapper(long pid) {
            this.pid = pid;
        }
    }

    GpuRegions(
            Vertx vertx,
            RegionTable table,
            Gpus gpus,
            ShareKind kind,
            Function<ChannelGeneration, @Nullable Channel> channels) {
        this.vertx = vertx;
        this.table = table;
        this.gpus = gpus;
        this.kind = kind;
        this.channels = channels;
    }

    /** The device in use, when it is ready; fails with CONFIG if it can't be used. */
    Future<Gpu> gpu(int device) {
        return vertx.executeBlocking(
                        () -> gpus.gpu(device)
                                .orElseThrow(() -> MusterException.config(
                                        gpus.devices().isEmpty()
                                                ? "no GPU memory here: " + gpus.whyNone()
                                                : "this process sees no GPU " + device + ", but "
                                                        + gpus.devices().size() + " from 0")),
                        false)
                .compose(gpu -> Future.fromCompletionStage(Objects.requireNonNull(gpu).ready()).map(gpu))
                .recover(failure -> Future.failedFuture(config("GPU " + device + " can't be used", failure)));
    }

    /** That of this UUID in use, or the first if this process does not see it. */
    Future<Gpu> gpu(UUID uuid) {
        return vertx.executeBlocking(
                        () -> gpus.withUuid(uuid).map(CudaFacts.Device::index).orElse(0), false)
                .compose(index -> gpu(Objects.requireNonNull(index)));
    }

    Future<Region> allocate(String name, int device, long bytes) {
        return gpu(device)
                .compose(gpu -> Future.fromCompletionStage(gpu.allocate(kind, bytes))
                        .compose(view -> add(name, gpu, view))
                        .recover(failure -> Future.failedFuture(config(
                                "GPU " + device + " gives no " + bytes + " bytes that can be shared", failure))));
    }

    Future<Region> register(String name, int device, long address, long bytes) {
        return gpu(device)
                .compose(gpu -> Future.fromCompletionStage(gpu.ofPointer(address, bytes))
                        .compose(view -> add(name, gpu, view))
                        .recover(failure -> Future.failedFuture(config(
                                "the memory at 0x" + Long.toHexString(address) + " of GPU " + device
                                        + " can't be shared: it has to come from cuMemAlloc or cudaMalloc of this process, and not from a pool",
                                failure))));
    }

    private static MusterException config(String what, Throwable failure) {
        return failure instanceof MusterException known
                ? known
                : new MusterException(MusterException.Kind.CONFIG, what + ": " + GpuFailures.text(failure), failure);
    }

    private Future<Region> add(String name, Gpu gpu, GpuView view) {
        return vertx.executeBlocking(
                        () -> {
                            var record = record(gpu, view);
                            return table.add(
                                    name,
                                    new Backing.OnGpu(
                                            gpu,
                                            view,
                                            List.of(record),
                                            (region, bound) -> release(region, gpu, view, bound)),
                                    null);
                        },
                        false)
                .<Region>map(region -> Objects.requireNonNull(region))
                .recover(failure -> Future.fromCompletionStage(gpu.close(view)).transform(closed -> {
                    if (closed.failed()) {
                        failure.addSuppressed(closed.cause());
                    }
                    return Future.failedFuture(failure);
                }));
    }

    private GpuRecord record(Gpu gpu, GpuView view) throws IOException {
        GpuExport export = view.export();
        if (export == null) {
            throw new IllegalArgumentException("imported memory is not registered");
        }
        return switch (export) {
            case GpuExport.Posix _ ->
                record(GpuRecord.Kind.POSIX_FD, server().name().getBytes(StandardCharsets.US_ASCII), gpu, view);
            case GpuExport.Ipc ipc -> record(GpuRecord.Kind.CUDA_IPC, ipc.handle(), gpu, view);
            case GpuExport.Fabric fabric -> record(GpuRecord.Kind.FABRIC, fabric.handle(), gpu, view);
        };
    }

    private static GpuRecord record(GpuRecord.Kind kind, byte[] handle, Gpu gpu, GpuView view) {
        return new GpuRecord(kind, handle, view.allocationBase(), view.allocationBytes(), gpu.uuid(), view.offset());
    }

    private synchronized DescriptorServer server() throws IOException {
        DescriptorServer running = server;
        if (running == null) {
            running = DescriptorServer.open(this::descriptor);
            server = running;
        }
        return running;
    }

    private OptionalInt descriptor(int region, long key) {
        return table.find(region, key)
                .filter(one -> !one.isClosing())
                .map(one -> one.backing() instanceof Backing.OnGpu(var _, GpuView view, var _, var _)
                                && view.export() instanceof GpuExport.Posix(int descriptor)
                        ? OptionalInt.of(descriptor)
                        : OptionalInt.empty())
                .orElse(OptionalInt.empty());
    }

    // ---- those who map

    /** What to answer to one who is going to map a region. */
    synchronized TransferMessage.Answer attach(Channel channel, TransferMessage.Attach wanted) {
        Region region = table.find(wanted.region(), wanted.key()).orElse(null);
        if (region == null || !(region.backing() instanceof Backing.OnGpu)) {
            return TransferMessage.Answer.refused(
                    wanted.request(),
                    WriteException.Reason.UNKNOWN_REGION,
                    "no GPU memory is registered as region " + wanted.region() + " with this key");
        }
        GroupName owner = region.owner();
        if (owner != null && !channel.isGranted(owner)) {
            return TransferMessage.Answer.refused(
                    wanted.request(),
                    WriteException.Reason.UNPROVED,
                    "region " + region.id() + " is of group " + owner
                            + ", whose secret was not proved over this channel");
        }
        if (region.isClosing()) {
            return TransferMessage.Answer.refused(
                    wanted.request(), WriteException.Reason.CLOSING, "region " + region.id() + " is being closed");
        }
        attached.computeIfAbsent(region.id(), _ -> new Attached())
                .mappers
                .computeIfAbsent(channel.generation(), _ -> new Mapper(wanted.pid()))
                .mappings++;
        return TransferMessage.Answer.done(wanted.request());
    }

    synchronized void detached(ChannelGeneration channel, int region) {
        Attached who = attached.get(region);
        Mapper mapper = who == null ? null : who.mappers.get(channel);
        if (who != null && mapper != null && --mapper.mappings == 0) {
            who.mappers.remove(channel);
            freeIfLast(region, who);
        }
    }

    /**
     * The process at the other end unmaps by itself, if it lives; where that has to be certain, its end is waited for.
     */
    void lost(ChannelGeneration channel) {
        List<Integer> regions;
        synchronized (this) {
            regions = attached.entrySet().stream()
                    .filter(one -> one.getValue().mappers.containsKey(channel))
                    .map(Map.Entry::getKey)
                    .toList();
        }
        for (int region : regions) {
            ended(channel, region).onComplete(_ -> gone(channel, region));
        }
    }

    private Future<Void> ended(ChannelGeneration channel, int region) {
        boolean mustEnd = table.byId(region)
                .map(one -> one.backing() instanceof Backing.OnGpu(var _, GpuView view, var _, var _)
                        && view.export() instanceof GpuExport.Ipc)
                .orElse(false);
        long pid;
        synchronized (this) {
            Attached who = attached.get(region);
            Mapper mapper = who == null ? null : who.mappers.get(channel);
            pid = mapper == null ? -1 : mapper.pid;
        }
        return !mustEnd || pid < 0
                ? Future.succeededFuture()
                : ProcessHandle.of(pid)
                        .map(process ->
                                Future.fromCompletionStage(process.onExit()).<Void>mapEmpty())
                        .orElse(Future.succeededFuture());
    }

    private synchronized void gone(ChannelGeneration channel, int region) {
        Attached who = attached.get(region);
        if (who != null && who.mappers.remove(channel) != null) {
            freeIfLast(region, who);
        }
    }

    private void freeIfLast(int region, Attached who) {
        if (who.mappers.isEmpty()) {
            attached.remove(region);
            who.free.tryComplete();
        }
    }

    /** Mappings of this region by other processes. */
    synchronized int mappings(int region) {
        Attached who = attached.get(region);
        return who == null
                ? 0
                : who.mappers.values().stream()
                        .mapToInt(mapper -> mapper.mappings)
                        .sum();
    }

    // ---- giving back: revoke, acknowledge, free

    private Future<Void> release(Region region, Gpu gpu, GpuView view, Duration bound) {
        return revoke(region, bound)
                .compose(_ -> Future.fromCompletionStage(gpu.close(view)))
                .recover(failure -> Future.failedFuture(new IllegalStateException(GpuFailures.text(failure), failure)));
    }

    private Future<Void> revoke(Region region, Duration bound) {
        Attached who;
        List<ChannelGeneration> asked;
        synchronized (this) {
            who = attached.get(region.id());
            if (who == null) {
                return Future.succeededFuture();
            }
            asked = List.copyOf(who.mappers.keySet());
        }
        for (ChannelGeneration generation : asked) {
            Channel channel = channels.apply(generation);
            if (channel != null) {
                channel.send(ControlKind.TRANSFER, new TransferMessage.Revoke(region.id()).encode());
            }
        }
        long timer = vertx.setTimer(
                Math.max(1, bound.toMillis()),
                _ -> who.free.tryFail(new IllegalStateException(mappings(region.id())
                        + " mappings of other processes were not given back within " + bound.toMillis() + " ms")));
        return who.free.future().onComplete(_ -> vertx.cancelTimer(timer));
    }

    /** Blocks shortly. */
    synchronized void close() throws IOException {
        if (server != null) {
            server.close();
            server = null;
        }
    }
}
