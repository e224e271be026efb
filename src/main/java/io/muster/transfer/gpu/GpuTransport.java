// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.gpu;

import io.muster.cuda.Gpu;
import io.muster.cuda.Gpus;
import io.muster.cuda.driver.ShareKind;
import io.muster.group.GpuSlice;
import io.muster.group.LogEvents;
import io.muster.group.MusterException;
import io.muster.group.WriteException;
import io.muster.segment.SegmentInfo;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.Complaints;
import io.muster.transfer.ControlKind;
import io.muster.transfer.Move;
import io.muster.transfer.RemoteRegion;
import io.muster.transfer.memory.Region;
import io.muster.transfer.memory.RegionTable;
import io.muster.wire.Decoded;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The transfers that one write over the bulk connection can't do: {@code cuda}, direct copies to and from GPU memory
 * that one process maps from another, and reads and staged copies over {@code tcp}. One per process.
 *
 * <p><b>What it holds.</b> {@link GpuRegions}: the GPU memory that this process has registered, and the mappings of it
 * by other processes. {@link GpuImports}: the memory of other processes that is mapped here. {@link GpuCopies}: copies
 * over both. {@link StagedTransfers}: reads, and copies through host memory. {@link Questions}: the requests to other
 * processes that are not answered yet. No CUDA context is created before GPU memory is registered, or a transfer asks
 * for a segment on a GPU.
 *
 * <p><b>Order of events.</b> The first transfer to a segment sends {@code Attach} on the control connection. The owner
 * counts the mapping and answers; only then is the segment mapped, by the first way of {@link GpuWays} that the driver
 * accepts. Later transfers use the same mapping. To close a region, its owner sends {@code Revoke}; each process
 * refuses new copies, waits for those under way, unmaps, and sends {@code Detached}; the owner frees the memory when
 * all mappings are ended. A lost channel ends its requests, its imports and its staging areas. If a segment can't be
 * mapped and {@code gpu.fallback} is {@code tcp}, the transfer is staged through host memory.
 *
 * <p><b>Threads.</b> {@link #received} and {@link #lost} are called on contexts of channels, transfers on any thread;
 * the driver reports the end of copies on the worker of a GPU. This class has no mutable state. Each collaborator
 * guards its own state and says how.
 *
 * <p><b>Invariants.</b> A mapping is unmapped only when no copy uses it (T-5). A region is freed only when each process
 * that has it mapped has sent {@code Detached} or is lost; if that takes longer than the bound of the close, it is
 * leaked instead. A transfer succeeds only after the driver has reported the end of its copy (P-5).
 *
 * <p><b>The trap.</b> Liveness runs over TCP and a mapping does not end by itself when TCP does. If the peer is lost,
 * freeing memory of {@code cuMemAlloc} that it has mapped is undefined behaviour of the driver, so {@link GpuRegions}
 * waits until its process has ended. And a fallback after a failure other than "can't be mapped" would hide it: only
 * {@code FAILED} over a live channel, and a GPU that can't be used, fall back.
 */
public final class GpuTransport {
    private static final Logger LOG = LoggerFactory.getLogger(GpuTransport.class);

    /** The name of this transport in handles and reports. */
    public static final String NAME = "cuda";

    private final Complaints malformed = new Complaints(LOG, LogEvents.TRANSFER_MALFORMED);
    private final WorkerExecutor workers;
    private final Gpus gpus;
    private final Questions questions;
    private final GpuRegions regions;
    private final GpuImports imports;
    private final GpuCopies copies;
    private final StagedTransfers staged;
    private final boolean fallsBack;
    private final long answerTimeoutMs;

    /**
     * @param kind how this process shares its own memory: {@code FABRIC} only where the fabric is proven
     * @param answerTimeoutMs how long another process may take to answer a request
     * @param writeTimeoutMs how long a staged transfer may wait without any progress
     * @param fallsBack whether transfers go over {@code tcp} where GPU memory can't be mapped
     */
    public record Settings(ShareKind kind, long answerTimeoutMs, long writeTimeoutMs, boolean fallsBack) {}

    /**
     * @param workers for work that may block
     * @param channels returns the open channel of a generation, null if it is over
     */
    public GpuTransport(
            Vertx vertx,
            WorkerExecutor workers,
            RegionTable table,
            Gpus gpus,
            Settings settings,
            Function<ChannelGeneration, @Nullable Channel> channels) {
        this.workers = workers;
        this.gpus = gpus;
        this.fallsBack = settings.fallsBack();
        this.answerTimeoutMs = settings.answerTimeoutMs();
        questions = new Questions(vertx, settings.answerTimeoutMs());
        regions = new GpuRegions(vertx, workers, table, gpus, settings.kind(), channels);
        imports = new GpuImports(vertx, workers, questions);
        copies = new GpuCopies(table, gpus, regions, imports);
        staged = new StagedTransfers(table, regions, questions, Duration.ofMillis(settings.writeTimeoutMs()));
    }

    /**
     * Allocates and registers zeroed GPU memory that other processes can map. Writes into it call no listener. Fails
     * with CONFIG if there is no such GPU, or if it can't allocate memory that can be shared.
     */
    public Future<Region> allocate(String name, int device, long bytes) {
        return regions.allocate(name, device, bytes);
    }

    /** Registers GPU memory of the application. Fails with CONFIG if it can't be shared. */
    public Future<Region> register(String name, int device, long address, long bytes) {
        return regions.register(name, device, address, bytes);
    }

    /** The listener is called on a worker of a GPU when a GPU is lost. */
    public void onLost(Consumer<Gpu> listener) {
        gpus.onLost(listener);
    }

    /** To or from GPU memory of this process. */
    public Future<Void> own(RemoteRegion region, Move move) {
        return copies.own(region, move);
    }

    /** Between registered host memory and memory of a GPU, both of this process. */
    public Future<Void> onHost(RemoteRegion region, GpuSlice slice, Move move) {
        return copies.onHost(region, slice, move);
    }

    /**
     * To or from a segment of another process: over {@code cuda} if the segment is on a GPU and can be mapped here,
     * else over the channel.
     *
     * @param sameHost both processes have the same boot id and network namespace
     * @return completes when the bytes are in the destination; fails with a {@link WriteException}
     */
    public Future<Void> remote(Channel channel, boolean sameHost, SegmentInfo info, Move move) {
        if (!info.isOnGpu()) {
            return overChannel(channel, info, move);
        }
        Future<Void> direct = direct(channel, sameHost, info, move);
        return fallsBack
                ? direct.recover(failure -> mayFallBack(channel, failure)
                        ? overChannel(channel, info, move).recover(also -> Future.failedFuture(both(failure, also)))
                        : Future.failedFuture(failure))
                : direct;
    }

    private static boolean mayFallBack(Channel channel, Throwable failure) {
        return failure instanceof WriteException refused
                ? refused.reason() == WriteException.Reason.FAILED && channel.isAlive()
                : failure instanceof MusterException;
    }

    /** The same over {@code cuda} and nothing else. */
    public Future<Void> direct(Channel channel, boolean sameHost, SegmentInfo info, Move move) {
        return copies.remote(channel, sameHost, info, move);
    }

    private Future<Void> overChannel(Channel channel, SegmentInfo info, Move move) {
        return staged.move(
                move.direction(),
                channel,
                new RemoteRegion(info.region(), info.key(), info.bytes()),
                info.isOnGpu(),
                move.offset(),
                move.local());
    }

    private static WriteException both(Throwable cuda, Throwable tcp) {
        return new WriteException(
                tcp instanceof WriteException known ? known.reason() : WriteException.Reason.FAILED,
                tcp.getMessage() + " (tcp, after cuda: " + cuda.getMessage() + ")");
    }

    /** A message of kind {@link ControlKind#TRANSFER}. */
    public void received(Channel channel, Buffer payload) {
        switch (TransferMessage.decode(payload)) {
            case Decoded.Malformed<TransferMessage>(String reason) ->
                malformed.note(
                        channel.address().host(),
                        "sent a malformed transfer message: process=" + channel.peer() + " reason=" + reason);
            case Decoded.Valid<TransferMessage>(TransferMessage message) -> {
                switch (message) {
                    case TransferMessage.Attach attach ->
                        channel.send(
                                ControlKind.TRANSFER,
                                regions.attach(channel, attach).encode());
                    case TransferMessage.Detached(int region) -> regions.detached(channel.generation(), region);
                    case TransferMessage.Revoke(int region) -> imports.revoked(channel, region);
                    case TransferMessage.Read read -> staged.asked(channel, read);
                    case TransferMessage.Stage stage -> staged.asked(channel, stage);
                    case TransferMessage.Commit commit -> staged.asked(channel, commit);
                    case TransferMessage.Answer answer -> questions.answered(channel, answer);
                }
            }
        }
    }

    /** A channel is over. */
    public void lost(Channel channel) {
        questions.lost(channel.generation());
        imports.lost(channel);
        regions.lost(channel.generation());
        staged.lost(channel.generation());
    }

    /** The way to each segment on a GPU of another process that a transfer asked for. */
    public List<GpuPath> paths() {
        return imports.paths();
    }

    /** Number of regions of other processes that are mapped here. */
    public int mappings() {
        return imports.size();
    }

    /**
     * Unmaps each region of another process as soon as no copy uses it, and ends the GPU workers. Waits no longer than
     * the answer timeout. The regions of this process must be closed before.
     */
    public Future<Void> close() {
        return imports.close()
                .transform(_ -> Future.fromCompletionStage(gpus.close()))
                .timeout(answerTimeoutMs, TimeUnit.MILLISECONDS)
                .onFailure(failure -> LOG.warn(LogEvents.GPU_NOT_CLOSED + " reason={}", GpuFailures.text(failure)))
                .transform(_ -> workers.executeBlocking(
                        () -> {
                            closeServer();
                            return null;
                        },
                        false));
    }

    private void closeServer() {
        try {
            regions.close();
        } catch (IOException e) {
            LOG.warn(LogEvents.DESCRIPTOR_SERVER_NOT_CLOSED + " reason={}", e.getMessage());
        }
    }
}
