// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import io.muster.JoinedRank;
import io.muster.bus.Addresses;
import io.muster.group.GroupName;
import io.muster.launch.EventWriter;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/** What a {@code run} tells of its group, beside what came of joining it. */
final class RunTold {
    private final String group;
    private final EventWriter events;

    RunTold(String group, EventWriter events) {
        this.group = group;
        this.events = events;
    }

    /** What is published on this node's bus. */
    void busEvents(Vertx vertx) {
        var addresses = new Addresses(new GroupName(group));
        var bus = vertx.eventBus();
        if (events.isJson()) {
            bus.<JsonObject>localConsumer(addresses.peerState(), message -> events.event("peer-state", message.body()));
        }
        bus.<JsonObject>localConsumer(addresses.blame(), message -> {
            events.event("blame", message.body().copy().put("atNanos", System.nanoTime()));
            String said = message.body().getString("text");
            events.text(said.isEmpty() ? "blame: nobody any more" : said);
        });
        Set<Long> told = ConcurrentHashMap.newKeySet();
        bus.<JsonObject>localConsumer(addresses.degraded(), message -> {
            events.event("degraded", message.body().copy().put("atNanos", System.nanoTime()));
            // the bus repeats it for the whole cluster, with the epoch as the key (B-7)
            if (told.add(message.body().getLong("epoch"))) {
                events.text(EventWriter.degradedText(message.body()));
            }
        });
    }

    /**
     * Nobody waits without being told for whom and why.
     *
     * @param joined empty until all ranks have published
     */
    void waiting(Vertx vertx, int everyMs, Supplier<List<JoinedRank>> joined) {
        if (everyMs == 0 || events.isJson()) {
            return;
        }
        vertx.setPeriodic(
                everyMs,
                _ -> joined.get().stream()
                        .findFirst()
                        .ifPresent(rank -> rank.report().onSuccess(report -> {
                            if (!report.missing().isEmpty()) {
                                events.text("waiting " + report.text());
                            }
                        })));
    }
}
