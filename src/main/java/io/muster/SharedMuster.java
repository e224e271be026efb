// SPDX-License-Identifier: Apache-2.0

package io.muster;

import io.muster.group.GroupName;
import io.muster.group.MusterException;
import io.muster.options.MusterOptions;
import io.muster.runtime.MusterContext;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import io.vertx.core.shareddata.Shareable;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The one Muster that the {@link MusterVerticle}s of a Vert.x share. The first user starts it, the last one closes it.
 * It is kept in a local map of that Vert.x and ends with it. Those verticles call on different contexts, so the state
 * is guarded by the monitor.
 */
final class SharedMuster implements Shareable {
    private static final String MAP = "io.muster";

    private record RankKey(GroupName group, int rank) {}

    private final Vertx vertx;
    private final Map<RankKey, JoinedRank> joined = new ConcurrentHashMap<>();
    private int users;
    private MusterOptions options = MusterOptions.defaults();
    private Future<Muster> muster = Future.failedFuture("not started");
    /** The end of the previous Muster: only then is its port free for the next one. */
    private Future<Void> closed = Future.succeededFuture();

    private SharedMuster(Vertx vertx) {
        this.vertx = vertx;
    }

    static SharedMuster of(Vertx vertx) {
        return vertx.sharedData()
                .<String, SharedMuster>getLocalMap(MAP)
                .computeIfAbsent("shared", _ -> new SharedMuster(vertx));
    }

    /**
     * The running Muster, started if this is its first user. Each call that does not throw needs one {@link #release},
     * also if starting failed.
     *
     * @param wanted null: any
     * @throws MusterException of kind CONFIG if it runs with other settings
     */
    synchronized Future<Muster> acquire(@Nullable MusterOptions wanted) {
        if (users == 0) {
            MusterOptions chosen = wanted == null ? MusterOptions.defaults() : wanted;
            options = chosen;
            muster = closed.transform(_ -> Muster.start(vertx, chosen));
        } else if (wanted != null && !wanted.equals(options)) {
            throw MusterException.config(
                    "Muster runs in this Vert.x already, with other settings: " + differences(wanted, options)
                            + "; give all its verticles the same ones, or give them to the first only");
        }
        users++;
        return MusterContext.here(vertx, muster);
    }

    synchronized Future<Void> release() {
        users--;
        if (users > 0) {
            return Future.succeededFuture();
        }
        closed = muster.transform(
                started -> started.succeeded() ? started.result().close() : Future.succeededFuture());
        return MusterContext.here(vertx, closed);
    }

    void enter(JoinedRank rank) {
        joined.put(new RankKey(rank.group(), rank.member().rank()), rank);
    }

    void remove(JoinedRank rank) {
        joined.remove(new RankKey(rank.group(), rank.member().rank()), rank);
    }

    Optional<JoinedRank> joined(String group, int rank) {
        return Optional.ofNullable(joined.get(new RankKey(new GroupName(group), rank)));
    }

    private static String differences(MusterOptions wanted, MusterOptions running) {
        Map<String, Object> here = leaves(wanted.toJson());
        Map<String, Object> there = leaves(running.toJson());
        var text = new StringBuilder();
        here.forEach((path, value) -> {
            if (!value.equals(there.get(path))) {
                text.append(text.isEmpty() ? "" : ", ")
                        .append(path)
                        .append(" is ")
                        .append(value)
                        .append(" here and ")
                        .append(there.get(path))
                        .append(" there");
            }
        });
        return text.toString();
    }

    private static Map<String, Object> leaves(JsonObject json) {
        Map<String, Object> leaves = new TreeMap<>();
        json.forEach(entry -> {
            if (entry.getValue() instanceof JsonObject nested) {
                leaves(nested).forEach((path, value) -> leaves.put(entry.getKey() + "." + path, value));
            } else {
                leaves.put(entry.getKey(), entry.getValue());
            }
        });
        return leaves;
    }
}
