// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;

/**
 * Lets processes join one after the other. Hazelcast's master drops a join request that arrives while another join is
 * under way, and the sender asks again only a second later: 8 simultaneous joins, of 20 ms each, took up to 2.5 s. A
 * turn is only advice: a process that gets no answer joins all the same.
 *
 * <p>Connections, Hazelcast's event thread and the JDK's timer thread meet here, under the object's lock.
 */
final class JoinQueue {
    private final Duration settle;
    private final Duration limit;
    private final Deque<CompletableFuture<JsonObject>> waiting = new ArrayDeque<>();
    private boolean taken;
    private long turn;

    /**
     * @param settle from the arrival of a member until its join is over at the master
     * @param limit a turn is over after this time, even if no member has arrived
     */
    JoinQueue(Duration settle, Duration limit) {
        this.settle = settle;
        this.limit = limit;
    }

    /** Completes when the caller may join. */
    synchronized CompletionStage<JsonObject> take() {
        CompletableFuture<JsonObject> mine = new CompletableFuture<>();
        waiting.add(mine);
        if (!taken) {
            grant();
        }
        return mine;
    }

    /** A member has arrived, most likely the one whose turn it is. */
    synchronized void joined() {
        if (taken) {
            endAfter(settle, turn);
        }
    }

    private synchronized void end(long ended) {
        if (taken && turn == ended) {
            taken = false;
            grant();
        }
    }

    private void grant() {
        CompletableFuture<JsonObject> next = waiting.poll();
        if (next != null) {
            taken = true;
            turn++;
            endAfter(limit, turn);
            next.complete(new JsonObject().put("turn", turn));
        }
    }

    private void endAfter(Duration delay, long ending) {
        CompletableFuture.delayedExecutor(delay.toMillis(), TimeUnit.MILLISECONDS)
                .execute(() -> end(ending));
    }
}
