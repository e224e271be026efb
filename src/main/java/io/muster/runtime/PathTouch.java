// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.fabric.FabricImport;
import io.muster.group.Proof;
import io.muster.peer.LinkEvent;
import io.muster.peer.LinkState;
import io.muster.peer.LinkTable;
import io.muster.peer.Session;
import io.muster.routing.RoutedGroup;
import io.muster.segment.RankEntry;
import io.muster.segment.SegmentInfo;
import io.muster.transfer.Channel;
import io.muster.warmup.WarmupPolicyVerticle;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Checks the memory that the proof of a link depends on, periodically, because liveness messages do not use it: imports
 * fabric memory again, reads slots in the memory of GPUs. If the memory is not reached in time, the path of the link
 * has failed, with that cause.
 */
final class PathTouch extends VerticleBase {
    /** Long enough for a busy host. */
    private static final int LEAST_WITHIN_MS = 2_000;

    private final MusterProcess process;
    private final RoutedGroup group;
    /** The slots of a rank of this process in the memory of a GPU; null without. */
    private final IntFunction<@Nullable GpuSlots> slotsOf;
    /** Links whose last check has not ended. */
    private final Set<LinkTable.Key> underWay = new HashSet<>();

    PathTouch(MusterProcess process, RoutedGroup group, IntFunction<@Nullable GpuSlots> slotsOf) {
        this.process = process;
        this.group = group;
        this.slotsOf = slotsOf;
    }

    @Override
    public Future<?> start() {
        int every = process.options().gpu().touchEveryMs();
        if (every > 0) {
            vertx.setPeriodic(
                    every,
                    _ -> group.linkTable().forEach((key, row) -> touch(key, row, Math.max(every, LEAST_WITHIN_MS))));
        }
        return Future.succeededFuture();
    }

    private void touch(LinkTable.Key key, LinkTable.Row row, int withinMs) {
        if (!(row.state() instanceof LinkState.Connected(var history, Session session, Proof proof, String _))
                || session == null
                || history.target() == null
                || underWay.contains(key)) {
            return;
        }
        Future<Void> touched = touched(key, history.target().entry(), session, proof);
        if (touched == null) {
            return;
        }
        underWay.add(key);
        touched.onComplete(_ -> context.runOnContext(_ -> underWay.remove(key)));
        touched.timeout(withinMs, TimeUnit.MILLISECONDS)
                .onFailure(failure -> group.links()
                        .send(
                                key.rank(),
                                key.peer(),
                                new LinkEvent.PathFailed(
                                        session.pairId(),
                                        failure instanceof TimeoutException
                                                ? "memory of rank " + key.peer() + " was not reached within " + withinMs
                                                        + " ms"
                                                : "memory of rank " + key.peer() + " is out of reach: "
                                                        + failure.getMessage())));
    }

    /** Null if the proof of this link depends on no such memory. */
    private @Nullable Future<Void> touched(LinkTable.Key key, RankEntry target, Session session, Proof proof) {
        return switch (proof) {
            case FABRIC_IMPORT, FABRIC_IMPORT_SIMULATED -> vertx.executeBlocking(() -> importAgain(key, target), false);
            case WARMUP -> slots(key, target, session);
            case NONE, LOCAL -> null;
        };
    }

    private @Nullable Void importAgain(LinkTable.Key key, RankEntry target) {
        if (process.fabric()
                        .importPeer(
                                WarmupPolicyVerticle.exporter(key.rank(), process.id()),
                                WarmupPolicyVerticle.exporter(
                                        key.peer(), target.handle().process()),
                                target.handle().fabric().export())
                instanceof FabricImport.Refused(var cause, String reason)) {
            throw new IllegalStateException(cause + ": " + reason);
        }
        return null;
    }

    private @Nullable Future<Void> slots(LinkTable.Key key, RankEntry target, Session session) {
        SegmentInfo there = GpuSlots.published(target, session.peerSlot());
        Channel channel = process.routing().channels().of(session.generation());
        GpuSlots mine = there == null || channel == null ? null : slotsOf.apply(key.rank());
        return mine == null || there == null || channel == null ? null : mine.touch(channel, target, there, session);
    }
}
