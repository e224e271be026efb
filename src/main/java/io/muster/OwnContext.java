package io.muster;

import io.muster.group.MusterException;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Supplier;

/**
 * Runs what Muster does on a context of its own, and answers on the caller's. Whatever is deployed or opened while a verticle runs belongs
 * to that verticle in Vert.x, and goes down before its stop is called: an application that closes Muster in a verticle's stop would find
 * its groups gone, and could not leave them in order any more.
 */
final class OwnContext {
  private final VertxInternal vertx;
  private final ContextInternal context;

  OwnContext(Vertx vertx) {
    this.vertx = (VertxInternal) vertx;
    this.context = this.vertx.createEventLoopContext();
  }

  Context context() {
    return context;
  }

  /** Runs the task there; its outcome completes here. Fails with FATAL if Vert.x is closed. */
  <T> Future<T> run(Supplier<Future<T>> task) {
    Promise<T> answer = promise(vertx);
    try {
      context.runOnContext(_ -> outcome(task).onComplete(answer));
    } catch (RejectedExecutionException _) {
      answer.tryFail(MusterException.fatal("Vert.x is closed"));
    }
    return answer.future();
  }

  /** The same outcome, on the context of whoever calls this, if there is one. */
  static <T> Future<T> here(Vertx vertx, Future<T> there) {
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
