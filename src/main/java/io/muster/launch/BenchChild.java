// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import io.muster.group.MusterException;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A process of {@code bench-worker} or {@code gpu-worker}: takes commands, and its events are awaited by their name.
 */
public final class BenchChild implements AutoCloseable {
    /** How soon the end of the child is noticed while an event is awaited. */
    private static final long POLL_MS = 100;

    private final ChildProcess process;
    private final Map<String, BlockingQueue<JsonObject>> received = new ConcurrentHashMap<>();
    /** Why the child ended. Set by the thread that reads its output, read by the thread in {@link #expect}. */
    private volatile @Nullable String end;

    private BenchChild(ProcessBuilder command) throws IOException {
        process = ChildProcess.start(command, List.of(), this::received);
    }

    public static BenchChild start(List<String> arguments) {
        return start(JvmCommand.likeThisJvm().shortLived(), "bench-worker", arguments, Map.of());
    }

    /**
     * Starts a process of another command with the same protocol. Its log is shown with {@code MUSTER_DEBUG=1} only,
     * because the peers of a killed process log a lot.
     */
    public static BenchChild start(
            JvmCommand command, String name, List<String> arguments, Map<String, String> environment) {
        List<String> all = new ArrayList<>(List.of(name));
        all.addAll(arguments);
        if (System.getProperty("muster.log.level") == null) {
            command.with("-Dmuster.log.level=WARN");
        }
        ProcessBuilder builder = command.runMain(all);
        builder.environment().putAll(environment);
        if ("1".equals(System.getenv("MUSTER_DEBUG"))) {
            builder.redirectError(ProcessBuilder.Redirect.INHERIT);
        }
        try {
            return new BenchChild(builder);
        } catch (IOException e) {
            throw new UncheckedIOException("can't start a process of '" + name + "': " + e.getMessage(), e);
        }
    }

    private void received(ChildProcess child, ChildProcess.News news) {
        switch (news) {
            case ChildProcess.News.Event(JsonObject body) -> {
                String event = body.getString("event");
                if (event.equals("failed")) {
                    end = body.getString("reason");
                }
                queue(event).add(body);
            }
            case ChildProcess.News.Ended(int exitCode) -> {
                if (end == null) {
                    end = child.ended(exitCode);
                }
            }
        }
    }

    public void send(JsonObject command) {
        process.send(command);
    }

    /**
     * Waits for the next event of this name.
     *
     * @throws MusterException FATAL if the process has ended, RETRY if the limit has passed
     */
    public JsonObject expect(String event, Duration limit) {
        BlockingQueue<JsonObject> queue = queue(event);
        long endNanos = System.nanoTime() + limit.toNanos();
        try {
            while (true) {
                JsonObject next = queue.poll(POLL_MS, TimeUnit.MILLISECONDS);
                if (next != null) {
                    return next;
                }
                if (end != null) {
                    throw MusterException.fatal(
                            "a process of the measurement ended before its event '" + event + "': " + end);
                }
                if (System.nanoTime() - endNanos > 0) {
                    throw MusterException.retry("a process of the measurement did not send '" + event + "' within "
                            + limit.toSeconds() + " s; the machine may be too busy: stop other work and run it again");
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw MusterException.fatal("interrupted while measuring");
        }
    }

    /** Drops the events of this name that have arrived so far. */
    public void forget(String event) {
        queue(event).clear();
    }

    private BlockingQueue<JsonObject> queue(String event) {
        return received.computeIfAbsent(event, _ -> new LinkedBlockingQueue<>());
    }

    public Duration cpu() {
        return process.cpu();
    }

    /** kill -9. */
    public void kill() {
        process.kill();
    }

    /** Kills the process, which has nothing to do in order, and waits for its end. */
    @Override
    public void close() {
        process.awaitEnd(0);
    }
}
