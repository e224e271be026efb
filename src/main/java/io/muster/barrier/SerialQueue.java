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
 * The order in which things happen to a group: one transition after the other, and what the store answers, until the
 * group is closed.
 */
final class SerialQueue {
    private final GroupPorts ports;
    static final String EVERYTHING = "*";

    /** By key, why the last operation on it was not answered. */
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

    /** One transition with all its effects ends before the next begins, also where an effect is answered at once. */
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
     * Waits for the store's answer; nothing is told after the group was closed.
     *
     * @param key which key it is about, or {@link #EVERYTHING}: an answer about one key says nothing of another, whose
     *     owner may be frozen
     */
    <T extends @Nullable Object> void store(String key, Future<T> operation, Consumer<T> done, Consumer<String> failed) {
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
                failed.accept(reason);
            }
        });
    }

    private void reportTrouble() {
        ports.listener()
                .storeTrouble(
                        troubles.isEmpty() ? null : troubles.values().iterator().next());
    }
}
