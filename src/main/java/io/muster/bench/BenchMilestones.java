// SPDX-License-Identifier: Apache-2.0

package io.muster.bench;

import io.muster.barrier.EpochStage;
import io.muster.bench.BenchRounds.Phase;
import io.muster.bus.Addresses;
import io.muster.peer.LinkChange;
import io.muster.peer.LinkState;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.MessageConsumer;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ObjLongConsumer;

/**
 * When this process reached each phase for the last time, from what its links and barrier publish on the node's bus.
 */
final class BenchMilestones {
    private final Map<Phase, Long> last = new ConcurrentHashMap<>();
    private final List<MessageConsumer<?>> consumers;
    private final ObjLongConsumer<String> degraded;
    /**
     * Difference between the wall clock, which stamps link changes, and the monotonic clock. All processes are on one
     * host, so it is the same for all.
     */
    private final long offsetNanos;

    /** @param degraded receives {@code degraded-local} and {@code degraded-cluster} when the bus delivers them */
    BenchMilestones(Vertx vertx, Addresses addresses, ObjLongConsumer<String> degraded) {
        this.degraded = degraded;
        this.offsetNanos = System.nanoTime() - nanos(Instant.now());
        MessageConsumer<JsonObject> losses =
                vertx.eventBus().consumer(addresses.degraded(), message -> degraded(message.body()));
        losses.completion().await();
        consumers = List.of(
                losses,
                vertx.eventBus().<LinkChange>localConsumer(addresses.linkState(), message -> changed(message.body())),
                vertx.eventBus().<EpochStage>localConsumer(addresses.epochStage(), message -> reached(message.body())));
    }

    private void changed(LinkChange change) {
        long atNanos = nanos(change.at()) + offsetNanos;
        LinkState.Name from = change.from().name();
        LinkState.Name to = change.to().name();
        if (from == LinkState.Name.WAITING_STORE && to != from) {
            last.merge(Phase.NOTICE, atNanos, Math::max);
        }
        if (change.to() instanceof LinkState.OpeningSegment(var _, LinkState.Stage.AskingPolicy _)) {
            last.merge(Phase.DIAL, atNanos, Math::max);
        }
        if (from == LinkState.Name.OPENING_SEGMENT && to != from) {
            last.merge(Phase.OPEN, atNanos, Math::max);
        }
        if (to == LinkState.Name.CONNECTED && to != from) {
            last.merge(Phase.WARMUP, atNanos, Math::max);
        }
    }

    private void reached(EpochStage stage) {
        switch (stage.stage()) {
            case OPEN -> last.put(Phase.EPOCH, stage.atNanos());
            case MARKED -> last.merge(Phase.MARK, stage.atNanos(), Math::max);
            case COMPLETE -> last.put(Phase.COMPLETE, stage.atNanos());
            case DEGRADED -> Arrays.stream(Phase.values()).forEach(last::remove);
        }
    }

    /** Only the event of the own node has the field {@code seenHere}; the event of the cluster does not. */
    private void degraded(JsonObject body) {
        degraded.accept(body.containsKey("seenHere") ? "degraded-local" : "degraded-cluster", System.nanoTime());
    }

    JsonObject toJson() {
        var json = new JsonObject();
        last.forEach((phase, atNanos) -> json.put(phase.text(), atNanos));
        return json;
    }

    void close() {
        consumers.forEach(MessageConsumer::unregister);
    }

    private static long nanos(Instant instant) {
        return instant.getEpochSecond() * 1_000_000_000L + instant.getNano();
    }
}
