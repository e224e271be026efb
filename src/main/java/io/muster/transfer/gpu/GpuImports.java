// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.gpu;

import io.muster.cuda.Gpu;
import io.muster.cuda.GpuView;
import io.muster.cuda.driver.GpuExport;
import io.muster.descriptor.ReceivedDescriptor;
import io.muster.group.LogEvents;
import io.muster.group.WriteException;
import io.muster.segment.GpuRecord;
import io.muster.segment.SegmentInfo;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.ControlKind;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The regions of other processes that are mapped here, once per GPU of this process that copies to or from them. A
 * mapping belongs to the channel over which the owner was asked. It ends with this channel, when the owner revokes it,
 * or when this process closes. Thread-safe.
 */
final class GpuImports {
    private static final Logger LOG = LoggerFactory.getLogger(GpuImports.class);
    /** A region that can't be mapped is tried again after this time at the earliest, not with every write. */
    private static final long REMEMBER_FAILURE_MS = 5_000;

    private final Vertx vertx;
    private final WorkerExecutor workers;
    private final Questions questions;
    private final Map<Key, Future<GpuImport>> imports = new ConcurrentHashMap<>();
    /** Why regions can't be mapped here; kept until the channel ends or a later attempt succeeds. */
    private final Map<Key, List<String>> refusals = new ConcurrentHashMap<>();

    /** A region, the GPU of this process that it is mapped for, and the channel over which its owner was asked. */
    private record Key(ChannelGeneration channel, int region, long key, int device, String segment) {
        GpuPath path(String way, List<String> refused) {
            return new GpuPath(channel, region, segment, device, way, refused);
        }
    }

    GpuImports(Vertx vertx, WorkerExecutor workers, Questions questions) {
        this.vertx = vertx;
        this.workers = workers;
        this.questions = questions;
    }

    /**
     * Returns the mapping, and maps the region if there is none yet. Fails with a {@link WriteException} that names
     * each way and why it was not used.
     */
    Future<GpuImport> get(Channel channel, boolean sameHost, SegmentInfo info, Gpu gpu) {
        var key = new Key(channel.generation(), info.region(), info.key(), gpu.device(), info.name());
        Future<GpuImport> known = imports.get(key);
        return known != null ? known : imports.computeIfAbsent(key, _ -> open(key, channel, sameHost, info, gpu));
    }

    private Future<GpuImport> open(Key key, Channel channel, boolean sameHost, SegmentInfo info, Gpu gpu) {
        long pid = ProcessHandle.current().pid();
        GpuWays ways = GpuWays.of(info.gpu(), sameHost);
        List<String> refused = new ArrayList<>(ways.refused());
        return questions
                .ask(channel, request -> new TransferMessage.Attach(request, info.region(), info.key(), pid))
                .compose(_ -> attempt(info, gpu, ways.ways(), refused)
                        .onFailure(_ -> channel.send(
                                ControlKind.TRANSFER, new TransferMessage.Detached(info.region()).encode())))
                .onSuccess(imported -> {
                    refusals.remove(key);
                    LOG.debug(
                            LogEvents.GPU_MAPPED + " region={} peer={} device={} way={}",
                            info.region(),
                            channel.peer(),
                            gpu.device(),
                            imported.way().kind());
                })
                .onFailure(failure -> {
                    refusals.put(
                            key,
                            refused.isEmpty() ? List.of(String.valueOf(failure.getMessage())) : List.copyOf(refused));
                    LOG.info(
                            LogEvents.GPU_NOT_MAPPED + " region={} peer={} device={} reason={}",
                            info.region(),
                            channel.peer(),
                            gpu.device(),
                            failure.getMessage());
                    vertx.setTimer(REMEMBER_FAILURE_MS, _ -> imports.remove(key));
                });
    }

    private Future<GpuImport> attempt(SegmentInfo info, Gpu gpu, List<GpuWays.Way> ways, List<String> refused) {
        if (ways.isEmpty()) {
            return Future.failedFuture(new WriteException(
                    WriteException.Reason.FAILED,
                    "segment " + info.name() + " can't be mapped on GPU " + gpu.device() + ": "
                            + (refused.isEmpty() ? "its handle names no way to map it" : String.join("; ", refused))));
        }
        GpuWays.Way way = ways.getFirst();
        return map(info, gpu, way)
                .map(view -> new GpuImport(gpu, view, way, refused))
                .recover(failure -> {
                    refused.add(way.kind() + ": " + GpuFailures.text(failure));
                    return attempt(info, gpu, ways.subList(1, ways.size()), refused);
                });
    }

    private Future<GpuView> map(SegmentInfo info, Gpu gpu, GpuWays.Way way) {
        GpuRecord record = way.record();
        return switch (way.kind()) {
            case FABRIC ->
                Future.fromCompletionStage(
                        gpu.importing(new GpuExport.Fabric(record.handle()), record.allocationBytes()));
            case IPC ->
                Future.fromCompletionStage(gpu.importing(new GpuExport.Ipc(record.handle()), record.allocationBytes()));
            case UNIX_SOCKET ->
                workers.executeBlocking(() -> receive(info, way), false)
                        .compose(descriptor -> Future.fromCompletionStage(gpu.importing(
                                        new GpuExport.Posix(descriptor.number()), record.allocationBytes()))
                                .onComplete(_ -> close(descriptor)));
        };
    }

    private static ReceivedDescriptor receive(SegmentInfo info, GpuWays.Way way) throws IOException {
        return ReceivedDescriptor.ask(
                new String(way.record().handle(), StandardCharsets.US_ASCII), info.region(), info.key());
    }

    private static void close(ReceivedDescriptor descriptor) {
        try {
            descriptor.close();
        } catch (IOException e) {
            LOG.warn(LogEvents.DESCRIPTOR_NOT_CLOSED + " reason={}", e.getMessage());
        }
    }

    /** The owner revokes the region: it is unmapped as soon as no copy uses it, and then the owner is notified. */
    void revoked(Channel channel, int region) {
        end(key -> key.channel().equals(channel.generation()) && key.region() == region, channel);
    }

    void lost(Channel channel) {
        end(key -> key.channel().equals(channel.generation()), channel);
    }

    private Future<Void> end(Predicate<Key> which, Channel channel) {
        List<Future<Void>> ends = new ArrayList<>();
        refusals.keySet().removeIf(which);
        imports.keySet().stream().filter(which).toList().forEach(key -> {
            Future<GpuImport> ended = imports.remove(key);
            if (ended != null) {
                ends.add(ended.compose(imported -> unmap(key, imported))
                        .onSuccess(_ ->
                                channel.send(ControlKind.TRANSFER, new TransferMessage.Detached(key.region()).encode()))
                        .otherwiseEmpty());
            }
        });
        return Future.join(ends).mapEmpty();
    }

    private static Future<Void> unmap(Key key, GpuImport imported) {
        return imported.close().recover(failure -> {
            LOG.warn(
                    LogEvents.GPU_NOT_UNMAPPED + " region={} device={} reason={}",
                    key.region(),
                    key.device(),
                    GpuFailures.text(failure));
            // Memory of cuMemCreate lives as long as its last mapping, so its owner may free it. Memory of cuMemAlloc
            // does not, so its owner must not be notified.
            return imported.way().kind() == GpuWays.Kind.IPC ? Future.failedFuture(failure) : Future.succeededFuture();
        });
    }

    /** Unmaps each region as soon as no copy uses it. */
    Future<Void> close() {
        List<Future<Void>> ends = new ArrayList<>();
        imports.keySet().forEach(key -> {
            Future<GpuImport> ended = imports.remove(key);
            if (ended != null) {
                ends.add(ended.compose(imported -> unmap(key, imported)).otherwiseEmpty());
            }
        });
        return Future.join(ends).mapEmpty();
    }

    /** The way to each region that a transfer asked for, in no order. */
    List<GpuPath> paths() {
        List<GpuPath> paths = new ArrayList<>();
        refusals.forEach((key, refused) -> paths.add(key.path("", refused)));
        imports.forEach((key, one) -> {
            if (one.succeeded()) {
                paths.add(key.path(
                        one.result().way().kind().toString(), one.result().refused()));
            }
        });
        return paths;
    }

    int size() {
        return imports.size();
    }
}
