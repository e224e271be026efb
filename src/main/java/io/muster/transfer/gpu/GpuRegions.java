// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.gpu;

import io.muster.cuda.CudaFacts;
import io.muster.cuda.Gpu;
import io.muster.cuda.GpuView;
import io.muster.cuda.Gpus;
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
import io.vertx.core.WorkerExecutor;
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
 * The GPU memory that this process has registered, and the processes that have mapped it. A process announces each
 * mapping before it maps a region, and again after it has unmapped it. Memory is freed when no process has it mapped
 * any more.
 *
 * <p>Freeing memory that another process still has mapped is harmless for memory of {@code cuMemCreate}, which lives as
 * long as its last mapping, and undefined for memory of {@code cuMemAlloc}. So memory of {@code cuMemAlloc} that a lost
 * process has mapped is kept until that process has ended.
 *
 * <p>Contexts of channels, GPU workers and the application meet here: this object's monitor guards the map.
 */
final class GpuRegions {
    private final Vertx vertx;
    private final WorkerExecutor workers;
    private final RegionTable table;
    private final Gpus gpus;
    private final ShareKind kind;
    private final Function<ChannelGeneration, @Nullable Channel> channels;
    private final Map<Integer, Attached> attached = new HashMap<>();
    private @Nullable DescriptorServer server;

    /** The processes that have a region mapped; {@code free} completes when the last one has unmapped it. */
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
            WorkerExecutor workers,
            RegionTable table,
            Gpus gpus,
            ShareKind kind,
            Function<ChannelGeneration, @Nullable Channel> channels) {
        this.vertx = vertx;
        this.workers = workers;
        this.table = table;
        this.gpus = gpus;
        this.kind = kind;
        this.channels = channels;
    }

    /** The GPU with this index, once it is ready. Fails with CONFIG if it can't be used. */
    Future<Gpu> gpu(int device) {
        return workers.executeBlocking(
                        () -> gpus.gpu(device)
                                .orElseThrow(() -> MusterException.config(
                                        gpus.devices().isEmpty()
                                                ? "no GPU memory here: " + gpus.whyNone()
                                                : "GPU " + device + " is not visible to this process, which sees "
                                                        + gpus.devices().size() + ", numbered from 0")),
                        false)
                .compose(gpu -> Future.fromCompletionStage(
                                Objects.requireNonNull(gpu).ready())
                        .map(gpu))
                .recover(failure -> Future.failedFuture(config("GPU " + device + " can't be used", failure)));
    }

    /** The GPU with this UUID, or the first one if that GPU is not visible to this process. */
    Future<Gpu> gpu(UUID uuid) {
        return workers.executeBlocking(
                        () -> gpus.withUuid(uuid).map(CudaFacts.Device::index).orElse(0), false)
                .compose(index -> gpu(Objects.requireNonNull(index)));
    }

    Future<Region> allocate(String name, int device, long bytes) {
        return gpu(device)
                .compose(gpu -> Future.fromCompletionStage(gpu.allocate(kind, bytes))
                        .compose(view -> add(name, gpu, view))
                        .recover(failure -> Future.failedFuture(config(
                                "GPU " + device + " can't allocate " + bytes + " bytes that can be shared", failure))));
    }

    Future<Region> register(String name, int device, long address, long bytes) {
        return gpu(device)
                .compose(gpu -> Future.fromCompletionStage(gpu.ofPointer(address, bytes))
                        .compose(view -> add(name, gpu, view))
                        .recover(failure -> Future.failedFuture(config(
                                "the memory at 0x" + Long.toHexString(address) + " of GPU " + device
                                        + " can't be shared: allocate it with cuMemAlloc or cudaMalloc"
                                        + " in this process, not from a pool",
                                failure))));
    }

    private static MusterException config(String what, Throwable failure) {
        return failure instanceof MusterException known
                ? known
                : new MusterException(MusterException.Kind.CONFIG, what + ": " + GpuFailures.text(failure), failure);
    }

    private Future<Region> add(String name, Gpu gpu, GpuView view) {
        return workers.executeBlocking(
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
            throw new IllegalArgumentException("memory that was imported from another process can't be registered");
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

    // ---- mappings by other processes

    /** Counts a mapping that another process is about to make. Returns the answer to its request. */
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
                    "region " + region.id() + " belongs to group " + owner
                            + ", and its secret was not proved over this channel");
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
        Attached mapped = attached.get(region);
        Mapper mapper = mapped == null ? null : mapped.mappers.get(channel);
        if (mapped != null && mapper != null && --mapper.mappings == 0) {
            mapped.mappers.remove(channel);
            freeIfLast(region, mapped);
        }
    }

    /**
     * Forgets the mappings of a lost channel. The peer unmaps by itself if it is alive. For memory that must not be
     * freed while it is mapped, this waits until the process of the peer has ended.
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
            Attached mapped = attached.get(region);
            Mapper mapper = mapped == null ? null : mapped.mappers.get(channel);
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
        Attached mapped = attached.get(region);
        if (mapped != null && mapped.mappers.remove(channel) != null) {
            freeIfLast(region, mapped);
        }
    }

    private void freeIfLast(int region, Attached mapped) {
        if (mapped.mappers.isEmpty()) {
            attached.remove(region);
            mapped.free.tryComplete();
        }
    }

    /** Number of mappings of this region by other processes. */
    synchronized int mappings(int region) {
        Attached mapped = attached.get(region);
        return mapped == null
                ? 0
                : mapped.mappers.values().stream()
                        .mapToInt(mapper -> mapper.mappings)
                        .sum();
    }

    // ---- closing a region: revoke, wait for the acknowledgements, free

    private Future<Void> release(int region, Gpu gpu, GpuView view, Duration bound) {
        return revoke(region, bound)
                .compose(_ -> Future.fromCompletionStage(gpu.close(view)))
                .recover(failure -> Future.failedFuture(new IllegalStateException(GpuFailures.text(failure), failure)));
    }

    private Future<Void> revoke(int region, Duration bound) {
        Attached mapped;
        List<ChannelGeneration> asked;
        synchronized (this) {
            mapped = attached.get(region);
            if (mapped == null) {
                return Future.succeededFuture();
            }
            asked = List.copyOf(mapped.mappers.keySet());
        }
        for (ChannelGeneration generation : asked) {
            Channel channel = channels.apply(generation);
            if (channel != null) {
                channel.send(ControlKind.TRANSFER, new TransferMessage.Revoke(region).encode());
            }
        }
        long timer = vertx.setTimer(
                Math.max(1, bound.toMillis()),
                _ -> mapped.free.tryFail(new IllegalStateException(mappings(region)
                        + " mappings by other processes were not ended within " + bound.toMillis() + " ms")));
        return mapped.free.future().onComplete(_ -> vertx.cancelTimer(timer));
    }

    /** Closes the descriptor server. Blocks for a short time. */
    synchronized void close() throws IOException {
        if (server != null) {
            server.close();
            server = null;
        }
    }
}
