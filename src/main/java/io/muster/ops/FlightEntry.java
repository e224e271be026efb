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

/** One recorded event. It holds references to existing objects, and becomes text only when the record is read. */
sealed interface FlightEntry {
    /** Wall clock, for people and for comparing hosts. */
    long atMs();

    /** Monotonic, for order and durations; comparable within one machine. */
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

    /** A channel to another process has ended. */
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

    /** The outcome of a store operation that failed or was late. */
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

    /** An event of the store as a whole. */
    enum StoreEvent {
        MERGED,
        PARTITIONS_LOST,
        MEMBER_CAME,
        MEMBER_WENT,
        ENDED
    }

    /** @param detail the members, or a number */
    record Store(long atMs, long nanos, StoreEvent event, String detail) implements FlightEntry {
        @Override
        public JsonObject fields() {
            return new JsonObject().put("what", event.name()).put("detail", detail);
        }
    }

    /** An event loop stands still, or runs again. */
    record Loop(long atMs, long nanos, String thread, long ms, String text) implements FlightEntry {
        @Override
        public JsonObject fields() {
            return new JsonObject()
                    .put("what", "EVENT_LOOP")
                    .put("thread", thread)
                    .put("ms", ms)
                    .put("text", text);
        }
    }

    /** This process has learnt of a stage of an epoch, or has marked it. */
    record Epoch(long atMs, long nanos, GroupName group, long epoch, EpochStage.Stage stage) implements FlightEntry {
        @Override
        public JsonObject fields() {
            return new JsonObject()
                    .put("what", stage.name())
                    .put("group", group.value())
                    .put("epoch", epoch);
        }
    }

    /** {@code degraded} was published or received here. */
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
