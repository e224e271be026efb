package io.muster.barrier;

import io.vertx.core.Future;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;

/** The order in which things happen to a group: one transition after the other, and what the store answers, until the group is closed. */
final class GroupTurns {
  private final GroupPorts ports;
  private final Deque<Runnable> waiting = new ArrayDeque<>();
  private boolean running;
  private boolean closed;

  GroupTurns(GroupPorts ports) {
    this.ports = ports;
  }

  void close() {
    closed = true;
  }

  boolean isClosed() {
    return closed;
  }

  /** One transition with all its effects ends before the next begins, also where an effect is answered at once. */
  void run(Runnable turn) {
    waiting.add(turn);
    if (running) {
      return;
    }
    running = true;
    try {
      for (Runnable next = waiting.poll(); next != null; next = waiting.poll()) {
        next.run();
      }
    } finally {
      running = false;
    }
  }

  /** Waits for the store's answer; nothing is told after the group was closed. */
  <T> void store(Future<T> operation, Consumer<T> done, Consumer<String> failed) {
    operation.onComplete(outcome -> {
      if (closed) {
        return;
      }
      if (outcome.succeeded()) {
        ports.listener().storeTrouble(null);
        done.accept(outcome.result());
      } else {
        String reason = String.valueOf(outcome.cause().getMessage());
        ports.listener().storeTrouble(reason);
        failed.accept(reason);
      }
    });
  }
}
