// SPDX-License-Identifier: Apache-2.0

package io.muster.chaos;

import io.muster.JoinedRank;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;

/**
 * Writes from each rank of this process into the memory of the next rank for as long as the process lives. A rank
 * begins its next write as soon as the previous one is applied.
 */
public final class Traffic {
    public static final String SEGMENT = "traffic";
    /** Pause after a failed write, in which the link may recover. */
    private static final long PAUSE_MS = 100;

    private final Vertx vertx;
    private final LongAdder writes = new LongAdder();
    private final LongAdder bytes = new LongAdder();
    private final LongAdder failures = new LongAdder();

    public Traffic(Vertx vertx) {
        this.vertx = vertx;
    }

    public void start(List<JoinedRank> ranks, long size) {
        ranks.forEach(rank -> {
            int next = (rank.member().rank() + 1) % rank.worldSize();
            // freed by the garbage collector only, because a socket may still use it after a failure
            MemorySegment source = Arena.ofAuto().allocate(size);
            vertx.runOnContext(_ -> write(rank, next, source));
        });
    }

    private void write(JoinedRank rank, int peer, MemorySegment source) {
        rank.write(peer, SEGMENT, 0, source).onComplete(written -> {
            if (written.succeeded()) {
                writes.increment();
                bytes.add(source.byteSize());
                vertx.runOnContext(_ -> write(rank, peer, source));
            } else {
                failures.increment();
                vertx.setTimer(PAUSE_MS, _ -> write(rank, peer, source));
            }
        });
    }

    public JsonObject toJson() {
        return new JsonObject()
                .put("writes", writes.sum())
                .put("bytes", bytes.sum())
                .put("failures", failures.sum());
    }
}
