// SPDX-License-Identifier: Apache-2.0

package io.muster.ops;

import io.muster.barrier.EpochStage;
import io.muster.group.GroupName;
import io.muster.group.Member;
import io.muster.peer.LinkChange;
import io.muster.peer.LinkState;
import io.muster.transfer.Channel;
import io.muster.transfer.LossEvidence;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the last events of this process: transitions of links, channels, the store, and the barrier.
 *
 * <p><b>State.</b> Four bounded rings ({@link FlightRing}), one per kind, so that a burst of one kind does not push out
 * the others. With 0 entries there are no rings and nothing is recorded.
 *
 * <p><b>Threads.</b> Any thread adds, without a lock and without waiting. {@link #toJson} may run at the same time: it
 * can miss the newest entries but never sees half of one.
 *
 * <p><b>Cost.</b> One small object and two clock readings per entry, about 50 ns; nothing while nothing happens. An
 * entry therefore holds references to existing immutable objects. Text and JSON are made only when the record is read.
 *
 * <p><b>Order.</b> Each entry has the wall clock, for people and for comparing hosts, and the monotonic clock, for
 * order and durations within one host. The wall clock may jump; the monotonic one is the order.
 *
 * <p><b>The trap.</b> The same events go to the JDK's Flight Recorder while one of its recordings runs. The classes of
 * these events must not be loaded before that ({@link JfrEvents}): they cannot be in the archive from which a start
 * reads its classes. So each method asks {@link JfrEvents#wanted()} first.
 */
public final class FlightRecorder {
    private final @Nullable FlightRing links;
    private final @Nullable FlightRing channels;
    private final @Nullable FlightRing store;
    private final @Nullable FlightRing barrier;

    /** @param entries capacity of each ring, 0: nothing is recorded */
    public FlightRecorder(int entries) {
        links = ring(entries);
        channels = ring(entries);
        store = ring(entries);
        barrier = ring(entries);
    }

    private static @Nullable FlightRing ring(int entries) {
        return entries == 0 ? null : new FlightRing(entries);
    }

    public void link(LinkChange change) {
        LinkState to = change.to();
        if (links != null) {
            Member newest = to.history().newest();
            links.add(new FlightEntry.Link(
                    System.currentTimeMillis(),
                    System.nanoTime(),
                    change.group(),
                    change.self().rank(),
                    change.peer(),
                    newest == null ? 0 : newest.incarnation(),
                    change.from().name(),
                    to.name(),
                    to.history().attempt(),
                    change.reason(),
                    change.cause(),
                    to instanceof LinkState.Connected connected ? connected.proof() : null));
        }
        if (JfrEvents.wanted()) {
            JfrEvents.link(change);
        }
    }

    public void channelOpened(Channel channel) {
        if (channels != null) {
            channels.add(new FlightEntry.ChannelOpened(
                    System.currentTimeMillis(),
                    System.nanoTime(),
                    channel.peer(),
                    channel.address(),
                    channel.generation().mine()));
        }
    }

    public void channelLost(Channel channel, LossEvidence evidence) {
        if (channels != null) {
            channels.add(new FlightEntry.ChannelLost(
                    System.currentTimeMillis(),
                    System.nanoTime(),
                    channel.peer(),
                    channel.address(),
                    channel.generation().mine(),
                    evidence));
        }
        if (JfrEvents.wanted()) {
            JfrEvents.channelLost(channel, evidence);
        }
    }

    /** @param reason null: the operation has succeeded, but late */
    void storeOperation(String operation, String key, long tookMs, @Nullable String reason) {
        if (store != null) {
            store.add(new FlightEntry.StoreOperation(
                    System.currentTimeMillis(),
                    System.nanoTime(),
                    reason == null ? FlightEntry.StoreOutcome.LATE : FlightEntry.StoreOutcome.FAILED,
                    operation,
                    key,
                    tookMs,
                    reason));
        }
        if (JfrEvents.wanted()) {
            JfrEvents.store(
                    reason == null ? "LATE" : "FAILED",
                    operation + " " + key + " after " + tookMs + " ms" + (reason == null ? "" : ": " + reason));
        }
    }

    void store(FlightEntry.StoreEvent event, String detail) {
        if (store != null) {
            store.add(new FlightEntry.Store(System.currentTimeMillis(), System.nanoTime(), event, detail));
        }
        if (JfrEvents.wanted()) {
            JfrEvents.store(event.name(), detail);
        }
    }

    void epoch(EpochStage stage) {
        if (barrier != null) {
            barrier.add(new FlightEntry.Epoch(
                    System.currentTimeMillis(), stage.atNanos(), stage.group(), stage.epoch(), stage.stage()));
        }
        if (JfrEvents.wanted()) {
            JfrEvents.epoch(stage.group().value(), stage.epoch(), stage.stage().name(), "");
        }
    }

    /** @param body as published at {@code muster.<g>.degraded}; not changed afterwards */
    void degraded(boolean seenHere, JsonObject body) {
        if (barrier != null) {
            barrier.add(new FlightEntry.Degraded(System.currentTimeMillis(), System.nanoTime(), seenHere, body));
        }
        if (JfrEvents.wanted()
                && seenHere
                && body.getValue("epoch") instanceof Number epoch
                && body.getValue("lost") instanceof JsonArray lost) {
            JfrEvents.epoch(
                    String.valueOf(body.getValue("group")), epoch.longValue(), "DEGRADED_SEEN_HERE", lost.encode());
        }
    }

    /** An event loop stands still, or runs again. */
    public void loop(String thread, long ms, String what) {
        if (barrier != null) {
            barrier.add(new FlightEntry.Loop(System.currentTimeMillis(), System.nanoTime(), thread, ms, what));
        }
        if (JfrEvents.wanted()) {
            JfrEvents.loop(thread, ms, what);
        }
    }

    public void deadlineMissed(GroupName group, int rank) {
        if (barrier != null) {
            barrier.add(new FlightEntry.DeadlineMissed(System.currentTimeMillis(), System.nanoTime(), group, rank));
        }
    }

    /**
     * The content of the rings as JSON: for each, the number of entries recorded since the start, and the kept entries,
     * oldest first.
     */
    public JsonObject toJson() {
        return new JsonObject()
                .put("links", json(links))
                .put("channels", json(channels))
                .put("store", json(store))
                .put("barrier", json(barrier));
    }

    private static JsonObject json(@Nullable FlightRing ring) {
        return ring == null ? new JsonObject().put("recorded", 0).put("off", true) : ring.toJson();
    }
}
