// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.group.LogEvents;
import io.muster.group.MusterException;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The calls of the public interface that have no answer yet. Each of them ends: with the answer of its task, or with
 * FATAL as soon as what it {@link Needs} is over, whatever its task waits for. While a call is open, the log says again
 * and again for what it waits (B-3). Called on any thread.
 *
 * <p>A call is added before it is compared with what is over, and {@link #end} does the reverse, so one of the two ends
 * it.
 */
final class OpenCalls {
    private static final Logger LOG = LoggerFactory.getLogger(OpenCalls.class);

    /** What a call needs, so that it can still get an answer. */
    enum Needs {
        /** The store: joining, publishing, changing a handle. */
        STORE,
        /** Muster, open and not closing. */
        MUSTER,
        /** Muster, not closed: leaving, which goes on while Muster closes. */
        RANKS,
        /** Nothing: closing. */
        NOTHING
    }

    private final Vertx vertx;
    private final long reportEveryMs;
    private final Set<Call> open = ConcurrentHashMap.newKeySet();
    private final Map<Needs, String> over = new ConcurrentHashMap<>();

    /** Compared by identity: a call is its promise. */
    private record Call(Needs needs, String what, long sinceNanos, Promise<?> answer) {
        String text() {
            return what + " for " + (System.nanoTime() - sinceNanos) / 1_000_000 + " ms";
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return this == other;
        }

        @Override
        public int hashCode() {
            return System.identityHashCode(this);
        }
    }

    /** @param reportEveryMs 0: never */
    OpenCalls(Vertx vertx, long reportEveryMs) {
        this.vertx = vertx;
        this.reportEveryMs = reportEveryMs;
    }

    /**
     * Adds a call until its answer is complete. If what it needs is over, the answer fails at once.
     *
     * @param what the call, for the log
     * @param why asked for the reason before each report in the log, null: the log reports it elsewhere
     */
    void add(Needs needs, String what, @Nullable Supplier<Future<String>> why, Promise<?> answer) {
        var call = new Call(needs, what, System.nanoTime(), answer);
        open.add(call);
        long timer = why == null
                ? -1
                : timer(() -> why.get()
                        .otherwise(Throwable::getMessage)
                        .onSuccess(said -> LOG.warn(LogEvents.CALL_OPEN + " what=\"{}\" {}", call.text(), said)));
        answer.future().onComplete(_ -> {
            open.remove(call);
            if (timer >= 0) {
                vertx.cancelTimer(timer);
            }
        });
        String reason = over.get(needs);
        if (reason != null) {
            answer.tryFail(MusterException.fatal(reason));
        }
    }

    /** Fails the open calls that need this, and from now on each new one. */
    void end(Needs needed, String reason) {
        over.putIfAbsent(needed, reason);
        endOpen(needed, reason);
    }

    boolean isOver(Needs needed) {
        return over.containsKey(needed);
    }

    /** Fails the open calls that need this, but no later one. */
    void endOpen(Needs needed, String reason) {
        open.stream()
                .filter(call -> call.needs() == needed)
                .forEach(call -> call.answer().tryFail(MusterException.fatal(reason)));
    }

    /** The open calls, each with its age. */
    List<String> texts() {
        return open.stream().map(Call::text).toList();
    }

    private long timer(Runnable report) {
        try {
            return reportEveryMs == 0 ? -1 : vertx.setPeriodic(reportEveryMs, _ -> report.run());
        } catch (RejectedExecutionException _) {
            return -1; // Vert.x is closed: the call fails by itself
        }
    }
}
