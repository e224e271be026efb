// SPDX-License-Identifier: Apache-2.0

package io.muster;

import io.muster.group.MusterException;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Ranks as a deployable verticle, for a Vert.x that is clustered over Hazelcast. Its configuration:
 *
 * <pre>{@code
 * {"group": "ep", "rank": 3, "worldSize": 4,      one rank …
 *  "segments": {"kv": 1048576,                    memory to register: name and bytes; may be absent
 *               "hot": {"bytes": 1048576, "gpu": 0}}, on a GPU of this process, counted from 0
 *  "join": [{"group": …}, …],                     … or, instead of those above, several ranks of any groups
 *  "muster": {"endpoint": {"bind": "10.0.0.5"}},  settings, nested as in conf/muster.yaml; absent: defaults
 *  "requireAllConnectedWithinMs": 30000}          limit of the wait for all-connected at start; may be absent
 * }</pre>
 *
 * <p>Starting completes when all its ranks are published, or all-connected if that is required; if anything fails, the
 * ranks that have joined leave again. It fails with CONFIG, naming every mistake of the configuration at once, and with
 * the failures of {@link Muster#start}, {@link Muster#join} and {@link JoinedRank#allConnected}. Stopping leaves the
 * groups in order, the last joined first.
 *
 * <p>Several such verticles of one Vert.x share one {@link Muster}, which the first starts and the last closes; one
 * that names settings must name those that it runs with. An application that starts a Muster of its own does not deploy
 * this verticle beside it. Deploy one instance: a rank can be held once.
 */
public final class MusterVerticle extends VerticleBase {
    private final List<JoinedRank> ranks = new ArrayList<>();

    /**
     * A rank that a MusterVerticle of this Vert.x holds now.
     *
     * @return empty before its verticle has published it, and after it was left
     * @throws MusterException of kind CONFIG if that is not a valid group name
     */
    public static Optional<JoinedRank> joined(Vertx vertx, String group, int rank) {
        return SharedMuster.of(vertx).joined(group, rank);
    }

    @Override
    public Future<?> start() {
        VerticleConfig config = VerticleConfig.fromJson(config());
        Future<Muster> acquired = SharedMuster.of(vertx).acquire(config.muster());
        return acquired.compose(muster -> joinAll(muster, config))
                .recover(failure -> leaveAll().transform(_ -> Future.failedFuture(failure)));
    }

    @Override
    public Future<?> stop() {
        return leaveAll();
    }

    /** Waits for all, also when one has failed: ranks that have joined by then have to leave again. */
    private Future<Void> joinAll(Muster muster, VerticleConfig config) {
        List<Future<JoinedRank>> joining = config.joins().stream()
                .map(one -> muster.join(one).onSuccess(this::joined))
                .toList();
        return Future.join(joining)
                .compose(_ -> config.allConnectedWithin() == null
                        ? Future.succeededFuture()
                        : Future.all(ranks.stream()
                                        .map(rank -> rank.allConnected(config.allConnectedWithin()))
                                        .toList())
                                .mapEmpty());
    }

    private void joined(JoinedRank rank) {
        ranks.add(rank);
        SharedMuster.of(vertx).enter(rank);
    }

    private Future<Void> leaveAll() {
        Future<Void> left = Future.succeededFuture();
        for (JoinedRank rank : ranks.reversed()) {
            SharedMuster.of(vertx).remove(rank);
            left = left.transform(_ -> rank.leave());
        }
        return left.transform(_ -> SharedMuster.of(vertx).release());
    }
}
