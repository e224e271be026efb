// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.group.MusterException;
import io.muster.store.HazelcastSegmentStore;
import io.vertx.core.Context;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.ThreadingModel;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.internal.WorkerExecutorInternal;
import java.util.List;
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
    private static final String WORKERS = "muster-worker";
    /** Enough for the registrations of several verticles and the GPUs of a host at once; threads start when needed. */
    private static final int WORKER_THREADS = 8;

    private final VertxInternal vertx;
    private final ContextInternal context;
    private final WorkerExecutorInternal workers;
    private final OpenCalls calls;

    /** @param reportEveryMs how often the log reports a call that is pending, 0: never */
    public MusterContext(Vertx vertx, long reportEveryMs) {
        this.vertx = (VertxInternal) vertx;
        this.workers = this.vertx.createSharedWorkerExecutor(WORKERS, WORKER_THREADS);
        this.context = this.vertx
                .contextBuilder()
                .withThreadingModel(ThreadingModel.EVENT_LOOP)
                .withWorkerPool(workers.pool())
                .build();
        this.calls = new OpenCalls(vertx, reportEveryMs);
    }

    /**
     * For work that may block. The application may occupy the worker pool of Vert.x for as long as it likes, so Muster
     * has threads of its own. On this context and in verticles with {@link #deployment}, {@code executeBlocking} uses
     * them too, also where Vert.x's cluster manager calls it.
     */
    public WorkerExecutor workers() {
        return workers;
    }

    /** Options for Muster's verticles. */
    DeploymentOptions deployment() {
        return new DeploymentOptions().setWorkerPoolName(WORKERS).setWorkerPoolSize(WORKER_THREADS);
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

    /**
     * Runs a call that needs the store. Its outcome completes on the caller's context. Fails with FATAL as soon as
     * Muster, the store or Vert.x is closed.
     *
     * @param what the call, for the log while it is pending
     * @param why asked for the reason while the call is pending
     */
    public <T> Future<T> run(String what, Supplier<Future<String>> why, Supplier<Future<T>> task) {
        return run(OpenCalls.Needs.STORE, what, why, task);
    }

    /**
     * The same for leaving, which needs an answer of the store for a good end only, and goes on while Muster closes.
     */
    public <T> Future<T> runLeave(String what, Supplier<Future<String>> why, Supplier<Future<T>> task) {
        return run(OpenCalls.Needs.RANKS, what, why, task);
    }

    /** The same for closing, which nothing else ends. */
    public <T> Future<T> runClose(String what, Supplier<Future<String>> why, Supplier<Future<T>> task) {
        return run(OpenCalls.Needs.NOTHING, what, why, task);
    }

    private <T> Future<T> run(
            OpenCalls.Needs needs, String what, Supplier<Future<String>> why, Supplier<Future<T>> task) {
        Promise<T> answer = promise(vertx);
        calls.add(needs, what, why, answer);
        try {
            context.runOnContext(_ -> {
                if (!answer.future().isComplete()) {
                    outcome(task)
                            .onComplete(
                                    answer::tryComplete,
                                    failure -> answer.tryFail(
                                            isVertxClosing()
                                                    ? MusterException.fatal(
                                                            "Vert.x was closed: " + failure.getMessage())
                                                    : HazelcastSegmentStore.explained(failure, what)));
                }
            });
        } catch (RejectedExecutionException _) {
            answer.tryFail(MusterException.fatal("Vert.x is closed"));
        }
        return answer.future();
    }

    /**
     * Answers a question that needs no store, on the caller's context. Fails with FATAL as soon as Muster is closed.
     *
     * @param question called on the caller's thread, unless Muster is closed
     */
    public <T> Future<T> answer(String what, Supplier<Future<T>> question) {
        Promise<T> answer = promise(vertx);
        calls.add(OpenCalls.Needs.MUSTER, what, null, answer);
        if (!answer.future().isComplete()) {
            outcome(question).onComplete(answer::tryComplete, answer::tryFail);
        }
        return answer.future();
    }

    /**
     * The outcome of a transfer on the caller's context, if there is one. A transfer that fails because Muster or
     * Vert.x was closed fails with FATAL.
     */
    public Future<Void> transferred(Future<Void> transfer) {
        if (transfer.succeeded()) {
            return transfer;
        }
        Promise<Void> answer = promise(vertx);
        transfer.onComplete(
                answer::complete,
                failure -> answer.fail(
                        calls.isOver(OpenCalls.Needs.MUSTER) || isVertxClosing()
                                ? MusterException.fatal(
                                        "Muster was closed before the transfer was done: " + failure.getMessage())
                                : failure));
        return answer.future();
    }

    private boolean isVertxClosing() {
        return vertx.closeFuture().isClosed();
    }

    /** The calls without an answer, each with its age. */
    public List<String> openCalls() {
        return calls.texts();
    }

    /** The store has ended: calls that need it fail, now and later. */
    void storeEnded(String reason) {
        calls.end(OpenCalls.Needs.STORE, reason);
    }

    /** Muster closes: every call but leaving and closing fails, now and later. */
    public void closing(String reason) {
        calls.end(OpenCalls.Needs.STORE, reason);
        calls.end(OpenCalls.Needs.MUSTER, reason);
    }

    /** Muster is closed: calls that still leave fail. */
    public void closed(String reason) {
        calls.endOpen(OpenCalls.Needs.RANKS, reason);
        workers.close();
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
