// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.gpu;

import io.muster.cuda.Gpu;
import io.muster.cuda.GpuView;
import io.muster.cuda.driver.GpuExport;
import io.muster.descriptor.ReceivedDescriptor;
import io.muster.group.WriteException;
import io.muster.group.LogEvents;
import io.muster.segment.GpuRecord;
import io.muster.segment.SegmentInfo;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.ControlKind;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
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
 * The regions of other processes that are mapped here, each once per GPU of this process that reaches for it. A mapping
 * belongs to the channel over which its owner was asked, and ends with it, with the owner's revocation, or with this
 * process.
 */
final class GpuImports {
    private static final Logger LOG = LoggerFactory.getLogger(GpuImports.class);
    /** A region that can't be mapped is not tried again with every write. */
    private static final long REMEMBER_FAILURE_MS = 5_000;

    private final Vertx vertx;
    private final Questions questions;
    private final Map<Key, Future<GpuImport>> imports = new ConcurrentHashMap<>();
    /** Why regions can't be mapped here: kept while their channels last, also when it may be tried again. */
    private final Map<Key, List<String>> refusals = new ConcurrentHashMap<>();

    /** What is mapped, for which GPU of this process, as promised on which channel. */
    private record Key(ChannelGeneration channel, int region, long key, int device, String segment) {
        GpuPath path(String way, List<String> refused) {
            return new GpuPath(channel, region, segment, device, way, refused);
        }
    }

    GpuImports(Vertx vertx, Questions questions) {
        this.vertx = vertx;
        this.questions = questions;
    }

    /**
     * The mapping, made if there is none yet; fails with a {@link WriteException} that names each way and why it was
     * not taken.
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
                            + (refused.isEmpty() ? "its handle names no way" : String.join("; ", refused))));
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
                vertx.executeBlocking(() -> receive(info, way), false)
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

    /** The owner takes the region back: unmap it as soon as no copy uses it, and say so. */
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
            // what cuMemCreate made lives as long as its last mapping, so its owner may go on; what cuMemAlloc made
            // does not
            return imported.way().kind() == GpuWays.Kind.IPC ? Future.failedFuture(failure) : Future.succeededFuture();
        });
    }

    /** Unmaps everything, as soon as no copy uses it. */
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

    /** How each region that was reached for is reached, in no order. */
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
