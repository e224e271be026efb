// SPDX-License-Identifier: Apache-2.0

package io.muster.ops;

import io.muster.barrier.EpochStage;
import io.muster.group.GroupName;
import io.muster.group.Proof;
import io.muster.peer.LinkState;
import io.muster.transfer.LossEvidence;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One thing that happened: what is known of it anyway, by reference; it becomes text only when somebody asks for the
 * record.
 */
sealed interface FlightEntry {
    /** Wall clock, for people and for comparing hosts. */
    long atMs();

    /** Monotonic, for what came first and how long it took; comparable within one host. */
    long nanos();

    /** The fields, without the times. */
    JsonObject fields();

    default JsonObject toJson() {
        return new JsonObject()
                .put("at", Instant.ofEpochMilli(atMs()).toString())
                .put("nanos", nanos())
                .mergeIn(fields());
    }

    /** A link went from one state to another. */
    record Link(
            long atMs,
            long nanos,
            GroupName group,
            int rank,
            int peer,
            long incarnation,
            LinkState.Name from,
            LinkState.Name to,
            int attempt,
            String reason,
            String cause,
            @Nullable Proof proof)
            implements FlightEntry {
        @Override
        public JsonObject fields() {
            return new JsonObject()
                    .put("group", group.value())
                    .put("rank", rank)
                    .put("peer", peer)
                    .put("incarnation", incarnation)
                    .put("from", from.name())
                    .put("to", to.name())
                    .put("attempt", attempt)
                    .put("reason", reason)
                    .put("cause", cause)
                    .put("proof", proof == null ? null : proof.text());
        }
    }

    /** A channel to another process is up. */
    record ChannelOpened(long atMs, long nanos, Object process, Object address, long generation)
            implements FlightEntry {
        @Override
        public JsonObject fields() {
            return new JsonObject()
                    .put("what", "opened")
                    .put("process", process.toString())
                    .put("address", address.toString())
                    .put("generation", Long.toHexString(generation));
        }
    }

    /** A channel is over. */
    record ChannelLost(long atMs, long nanos, Object process, Object address, long generation, LossEvidence evidence)
            implements FlightEntry {
        @Override
        public JsonObject fields() {
            return new JsonObject()
                    .put("what", "lost")
                    .put("process", process.toString())
                    .put("address", address.toString())
                    .put("generation", Long.toHexString(generation))
                    .put("how", evidence.kind().name())
                    .put("evidence", evidence.detail());
        }
    }

    /** What became of a store operation that did not go well. */
    enum StoreOutcome {
        FAILED,
        LATE
    }

    record StoreOperation(
            long atMs,
            long nanos,
            StoreOutcome outcome,
            String operation,
            String key,
            long tookMs,
            @Nullable String reason)
            implements FlightEntry {
        @Override
        public JsonObject fields() {
            return new JsonObject()
                    .put("what", outcome.name())
                    .put("operation", operation)
                    .put("key", key)
                    .put("tookMs", tookMs)
                    .put("reason", reason);
        }
    }

    /** What happened to the store as a whole. */
    enum StoreEvent {
        MERGED,
        PARTITIONS_LOST,
        MEMBER_CAME,
        MEMBER_WENT,
        ENDED
    }

    /** @param detail who, or how many */
    record Store(long atMs, long nanos, StoreEvent event, String detail) implements FlightEntry {
        @Override
        public JsonObject fields() {
            return new JsonObject().put("what", event.name()).put("detail", detail);
        }
    }

    /** This process came to know a stage of an epoch, or has marked it. */
    record Epoch(long atMs, long nanos, GroupName group, long epoch, EpochStage.Stage stage) implements FlightEntry {
        @Override
        public JsonObject fields() {
            return new JsonObject()
                    .put("what", stage.name())
                    .put("group", group.value())
                    .put("epoch", epoch);
        }
    }

    /** {@code degraded} was published or heard here. */
    record Degraded(long atMs, long nanos, boolean seenHere, JsonObject body) implements FlightEntry {
        @Override
        public JsonObject fields() {
            return new JsonObject()
                    .put("what", seenHere ? "DEGRADED_SEEN_HERE" : "DEGRADED_HEARD")
                    .put("group", body.getString("group"))
                    .put("epoch", body.getLong("epoch"))
                    .put("lost", body.getJsonArray("lost"));
        }
    }

    /** A wait for all-connected has missed its deadline. */
    record DeadlineMissed(long atMs, long nanos, GroupName group, int rank) implements FlightEntry {
        @Override
        public JsonObject fields() {
            return new JsonObject()
                    .put("what", "DEADLINE_MISSED")
                    .put("group", group.value())
                    .put("rank", rank);
        }
    }
}
