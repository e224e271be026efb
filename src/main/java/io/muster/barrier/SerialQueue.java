// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.vertx.core.Future;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Serialises the transitions of a group, and drops the store's answers once the group is closed. Lives on the group's
 * context.
 */
final class SerialQueue {
    private final GroupPorts ports;
    static final String EVERYTHING = "*";

    /** By key, the reason why the last operation on it was not answered. */
    private final Map<String, String> troubles = new LinkedHashMap<>();

    private final Deque<Runnable> waiting = new ArrayDeque<>();
    private boolean running;
    private boolean closed;

    SerialQueue(GroupPorts ports) {
        this.ports = ports;
    }

    void close() {
        closed = true;
    }

    boolean isClosed() {
        return closed;
    }

    /** Runs one transition with all its effects before the next, even if an effect is answered synchronously. */
    void run(Runnable task) {
        waiting.add(task);
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

    /**
     * Hands on the store's answer, unless the group has been closed meanwhile.
     *
     * @param key the key of the operation, or {@link #EVERYTHING}. Troubles are kept per key, because the owner of
     *     another key may be frozen
     */
    <T extends @Nullable Object> void store(
            String key, Future<T> operation, Consumer<T> done, Consumer<Throwable> failed) {
        operation.onComplete(outcome -> {
            if (closed) {
                return;
            }
            if (outcome.succeeded()) {
                if (key.equals(EVERYTHING)) {
                    troubles.clear();
                } else {
                    troubles.remove(key);
                }
                reportTrouble();
                done.accept(outcome.result());
            } else {
                String reason = String.valueOf(outcome.cause().getMessage());
                troubles.put(key, reason);
                reportTrouble();
                failed.accept(outcome.cause());
            }
        });
    }

    private void reportTrouble() {
        ports.listener()
                .storeTrouble(
                        troubles.isEmpty() ? null : troubles.values().iterator().next());
    }
}
