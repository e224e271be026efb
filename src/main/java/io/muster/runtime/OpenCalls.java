// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.group.LogEvents;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The calls of the public interface that have no answer yet. Some may wait for as long as the store is away; none waits
 * without the log saying again and again for what (B-3). Called on any thread.
 */
public final class OpenCalls {
    private static final Logger LOG = LoggerFactory.getLogger(OpenCalls.class);

    private final Vertx vertx;
    private final long reportEveryMs;
    private final AtomicLong nextId = new AtomicLong();
    private final Map<Long, Call> open = new ConcurrentHashMap<>();

    private record Call(String what, long sinceNanos) {
        String text() {
            return what + " for " + (System.nanoTime() - sinceNanos) / 1_000_000 + " ms";
        }
    }

    /** @param reportEveryMs 0: never */
    OpenCalls(Vertx vertx, long reportEveryMs) {
        this.vertx = vertx;
        this.reportEveryMs = reportEveryMs;
    }

    /**
     * The same future, watched until it completes.
     *
     * @param why asked for the reason before each report
     */
    <T> Future<T> watch(String what, Supplier<Future<String>> why, Future<T> answer) {
        if (answer.isComplete()) {
            return answer;
        }
        long id = nextId.incrementAndGet();
        var call = new Call(what, System.nanoTime());
        open.put(id, call);
        long timer = timer(() -> why.get()
                .otherwise(Throwable::getMessage)
                .onSuccess(said -> LOG.warn(LogEvents.CALL_OPEN + " what=\"{}\" {}", call.text(), said)));
        return answer.onComplete(_ -> {
            open.remove(id);
            if (timer >= 0) {
                vertx.cancelTimer(timer);
            }
        });
    }

    private long timer(Runnable report) {
        try {
            return reportEveryMs == 0 ? -1 : vertx.setPeriodic(reportEveryMs, _ -> report.run());
        } catch (RejectedExecutionException _) {
            return -1; // Vert.x is closed: the call fails by itself
        }
    }

    /** The pending calls, each with its age. */
    public List<String> texts() {
        return open.values().stream().map(Call::text).toList();
    }
}
