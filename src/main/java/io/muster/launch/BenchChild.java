// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import io.muster.group.MusterException;
import io.vertx.core.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
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
 * A process of {@code bench-worker} or {@code gpu-worker}, driven by one JSON object a line. It ends when its standard
 * input ends, so it never outlives this one.
 */
public final class BenchChild implements AutoCloseable {
    private static final long LOOK_MS = 100;

    private final Process process;
    private final PrintStream in;
    private final boolean debug = "1".equals(System.getenv("MUSTER_DEBUG"));
    private final Map<String, BlockingQueue<JsonObject>> told = new ConcurrentHashMap<>();
    /** Set by the thread that reads what the child tells; read by whoever waits for it. */
    private volatile @Nullable String end;
    /** Likewise, from its standard error. */
    private volatile String complaint = "MUSTER_DEBUG=1 shows what it logged";

    private BenchChild(Process process) {
        this.process = process;
        this.in = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
        Thread.ofVirtual().name("bench-child").start(this::read);
        Thread.ofVirtual().name("bench-child-log").start(this::log);
    }

    /** What it logs is shown with {@code MUSTER_DEBUG=1} only: processes that are killed are loud. */
    public static BenchChild start(List<String> arguments) {
        return start(JvmCommand.likeThisJvm().shortLived(), "bench-worker", arguments, Map.of());
    }

    /** A process of another command that speaks the same way. */
    public static BenchChild start(
            JvmCommand command, String name, List<String> arguments, Map<String, String> environment) {
        List<String> all = new ArrayList<>(List.of(name));
        all.addAll(arguments);
        if (System.getProperty("muster.log.level") == null) {
            command.with("-Dmuster.log.level=WARN");
        }
        try {
            ProcessBuilder builder = command.runMain(all);
            builder.environment().putAll(environment);
            return new BenchChild(builder.start());
        } catch (IOException e) {
            throw new UncheckedIOException("a process of " + name + " can't be started", e);
        }
    }

    public void send(JsonObject command) {
        in.println(command.encode());
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

    /** What it logs is dropped; why it failed is one line, which is kept. */
    private void log() {
        try (BufferedReader err = process.errorReader(StandardCharsets.UTF_8)) {
            for (String line = err.readLine(); line != null; line = err.readLine()) {
                if (line.startsWith("muster: ")) {
                    complaint = line.substring("muster: ".length());
                }
                if (debug) {
                    System.err.println(line);
                }
            }
        } catch (IOException e) {
            complaint = String.valueOf(e.getMessage());
        }
    }

    private void read() {
        String last = "exit code unknown";
        try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = out.readLine(); line != null; line = out.readLine()) {
                var message = new JsonObject(line);
                String event = message.getString("event");
                if (event.equals("failed")) {
                    end = message.getString("reason");
                }
                queue(event).add(message);
            }
            last = "exit code " + process.waitFor() + "; " + complaint;
        } catch (IOException | InterruptedException e) {
            last = String.valueOf(e.getMessage());
        } finally {
            if (end == null) {
                end = last;
            }
        }
    }

    public Duration cpu() {
        return process.info().totalCpuDuration().orElse(Duration.ZERO);
    }

    /** kill -9. */
    public void kill() {
        process.destroyForcibly();
    }

    /** Nothing is left to be done in order: it is killed. */
    @Override
    public void close() {
        kill();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
