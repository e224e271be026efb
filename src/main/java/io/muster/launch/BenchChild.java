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

/** A process of {@code bench-worker} or {@code gpu-worker}: takes commands, and what it tells is waited for by kind. */
public final class BenchChild implements AutoCloseable {
    private static final long LOOK_MS = 100;
    private static final String COMPLAINT = "muster: ";

    private final ChildProcess process;
    private final Map<String, BlockingQueue<JsonObject>> told = new ConcurrentHashMap<>();
    /** Set by the thread that reads what the child tells; read by whoever waits for it. */
    private volatile @Nullable String end;

    private BenchChild(ProcessBuilder command) throws IOException {
        process = ChildProcess.start(command, List.of(), this::heard);
    }

    public static BenchChild start(List<String> arguments) {
        return start(JvmCommand.likeThisJvm().shortLived(), "bench-worker", arguments, Map.of());
    }

    /**
     * A process of another command that speaks the same way. What it logs is shown with {@code MUSTER_DEBUG=1} only:
     * processes that are killed are loud.
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
            throw new UncheckedIOException("a process of " + name + " can't be started", e);
        }
    }

    private void heard(ChildProcess child, ChildProcess.News news) {
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
                    end = "exit code " + exitCode + "; "
                            + child.lastWords().stream()
                                    .filter(line -> line.startsWith(COMPLAINT))
                                    .reduce((_, last) -> last)
                                    .map(line -> line.substring(COMPLAINT.length()))
                                    .orElse("MUSTER_DEBUG=1 shows what it logged");
                }
            }
        }
    }

    public void send(JsonObject command) {
        process.send(command);
    }

    /** The next message of this kind. */
    public JsonObject expect(String event, Duration limit) {
        BlockingQueue<JsonObject> queue = queue(event);
        long endNanos = System.nanoTime() + limit.toNanos();
        try {
            while (true) {
                JsonObject next = queue.poll(LOOK_MS, TimeUnit.MILLISECONDS);
                if (next != null) {
                    return next;
                }
                if (end != null) {
                    throw MusterException.fatal(
                            "a process of the measurement ended while '" + event + "' was awaited: " + end);
                }
                if (System.nanoTime() - endNanos > 0) {
                    throw MusterException.retry("a process of the measurement did not tell '" + event + "' within "
                            + limit.toSeconds() + " s; the machine may be too busy");
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw MusterException.fatal("interrupted while measuring");
        }
    }

    /** What was told so far of this kind is of no interest. */
    public void forget(String event) {
        queue(event).clear();
    }

    private BlockingQueue<JsonObject> queue(String event) {
        return told.computeIfAbsent(event, _ -> new LinkedBlockingQueue<>());
    }

    public Duration cpu() {
        return process.cpu();
    }

    /** kill -9. */
    public void kill() {
        process.kill();
    }

    /** Nothing is left to be done in order: it is killed. */
    @Override
    public void close() {
        process.awaitEnd(0);
    }
}
