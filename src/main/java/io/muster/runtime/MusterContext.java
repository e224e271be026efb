// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.group.MusterException;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Supplier;

/**
 * Runs the calls of Muster on a context of its own, and completes their futures on the caller's. In Vert.x, everything
 * that is deployed or opened on a verticle's context belongs to that verticle and is closed before its stop is called.
 * An application that closes Muster in a verticle's stop would then find its groups closed already, and could not leave
 * them in order.
 */
public final class MusterContext {
    private final VertxInternal vertx;
    private final ContextInternal context;
    private final OpenCalls calls;

    /** @param reportEveryMs how often the log reports a call that is pending, 0: never */
    public MusterContext(Vertx vertx, long reportEveryMs) {
        this.vertx = (VertxInternal) vertx;
        this.context = this.vertx.createEventLoopContext();
        this.calls = new OpenCalls(vertx, reportEveryMs);
    }

    public Context context() {
        return context;
    }

    /**
     * Runs the task after a delay, also if the verticle on whose context this is called has been undeployed by then,
     * which would cancel a timer of its own.
     *
     * @return cancels the task if it has not run yet
     */
    Runnable after(long delayMs, Runnable task) {
        var timer = new CompletableFuture<Long>();
        context.runOnContext(_ -> timer.complete(vertx.setTimer(Math.max(1, delayMs), _ -> task.run())));
        return () -> {
            var _ = timer.thenAccept(vertx::cancelTimer);
        };
    }

    public OpenCalls calls() {
        return calls;
    }

    /**
     * Runs the task there; its outcome completes here. Fails with FATAL if Vert.x is closed.
     *
     * @param what the call, for the log while it is pending
     * @param why asked for the reason while the call is pending
     */
    public <T> Future<T> run(String what, Supplier<Future<String>> why, Supplier<Future<T>> task) {
        Promise<T> answer = promise(vertx);
        try {
            context.runOnContext(_ -> outcome(task).onComplete(answer));
        } catch (RejectedExecutionException _) {
            answer.tryFail(MusterException.fatal("Vert.x is closed"));
        }
        return calls.watch(what, why, answer.future());
    }

    /** The same outcome, on the caller's context, if there is one. */
    public static <T> Future<T> here(Vertx vertx, Future<T> there) {
        Promise<T> answer = promise((VertxInternal) vertx);
        there.onComplete(answer);
        return answer.future();
    }

    private static <T> Promise<T> promise(VertxInternal vertx) {
        ContextInternal caller = vertx.getContext();
        return caller == null ? Promise.promise() : caller.promise();
    }

    private static <T> Future<T> outcome(Supplier<Future<T>> task) {
        try {
            return task.get();
        } catch (RuntimeException failure) {
            return Future.failedFuture(failure);
        }
    }
}
