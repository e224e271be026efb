// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import io.muster.JoinedRank;
import io.muster.bus.Addresses;
import io.muster.group.GroupName;
import io.muster.launch.EventWriter;
import io.muster.launch.LaunchedProcess;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The events of a {@code run} that come from the event bus, and its periodic report while it waits. */
final class RunEvents {
    private final String group;
    private final EventWriter events;

    RunEvents(String group, EventWriter events) {
        this.group = group;
        this.events = events;
    }

    /** Prints the events that are published on this node's bus. */
    void busEvents(Vertx vertx) {
        var addresses = new Addresses(new GroupName(group));
        var bus = vertx.eventBus();
        if (events.isJson()) {
            bus.<JsonObject>localConsumer(addresses.peerState(), message -> events.event("peer-state", message.body()));
        }
        bus.<JsonObject>localConsumer(addresses.blame(), message -> {
            events.event("blame", message.body().copy().put("atNanos", System.nanoTime()));
            String text = message.body().getString("text");
            events.text(text.isEmpty() ? "blame: no process is blamed any more" : text);
        });
        var printed = new PrintedLosses();
        bus.<JsonObject>localConsumer(addresses.degraded(), message -> {
            events.event("degraded", message.body().copy().put("atNanos", System.nanoTime()));
            JsonObject news = printed.newsOf(message.body());
            if (news != null) {
                events.text(EventWriter.degradedText(news));
            }
        });
    }

    /**
     * The losses that were printed. An event arrives more than once (B-7), and one of the same epoch may name further
     * ranks, which are found later.
     */
    static final class PrintedLosses {
        private final Map<Long, Set<Integer>> ranks = new HashMap<>();

        /** The event with the ranks that were not printed for this epoch, null if it brings nothing new. */
        synchronized @Nullable JsonObject newsOf(JsonObject degraded) {
            Long epoch = degraded.getLong("epoch");
            boolean isFirst = !ranks.containsKey(epoch);
            Set<Integer> known = ranks.computeIfAbsent(epoch, _ -> new HashSet<>());
            var lost = new JsonArray(degraded.getJsonArray("lost").stream()
                    .filter(one -> known.add(((JsonObject) one).getInteger("rank")))
                    .toList());
            return isFirst || !lost.isEmpty() ? degraded.copy().put("lost", lost) : null;
        }
    }

    /**
     * While ranks are missing, prints periodically which ones and why.
     *
     * @param joined empty until all ranks have published
     */
    void waiting(LaunchedProcess process, int everyMs, Supplier<List<JoinedRank>> joined) {
        if (everyMs == 0 || events.isJson()) {
            return;
        }
        process.vertx()
                .setPeriodic(
                        everyMs,
                        _ -> joined.get().stream()
                                .findFirst()
                                .ifPresent(rank -> rank.report().onSuccess(report -> {
                                    if (!report.missing().isEmpty()
                                            || !report.eventLoop().isEmpty()) {
                                        process.explained(report)
                                                .thenAccept(explained -> events.text("waiting " + explained.text()));
                                    }
                                })));
    }
}
