// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import io.muster.cluster.ControlAddress;
import io.muster.cluster.ControlClient;
import io.muster.launch.ChildProcess.News;
import io.muster.options.MusterOptions;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The processes of one group on this host. Each is a {@code run --json} with the same world size and members. One
 * thread starts and ends them; {@link #close} may be called from another thread when a signal arrives.
 */
public final class GroupProcesses implements AutoCloseable {
    /** What a process may take for an orderly end, and a second for a busy host. */
    private static final long STOP_MS = MusterOptions.defaults().shutdown().timeoutMs() + 1_000L;
    /** The process has its own limit for those that do not answer, {@code status.nodeTimeoutMs}; this is above it. */
    private static final Duration PATIENCE = Duration.ofSeconds(3);

    private final String group;
    private final int worldSize;
    private final List<List<Integer>> seats;
    private final List<ControlAddress> controls;
    private final List<String> settings;
    private final BiConsumer<ChildProcess, News> news;
    /** By process. Guarded by its own lock, because one thread starts processes and another may close them. */
    private final ChildProcess[] children;

    private boolean closed;

    /**
     * @param seats the ranks of each process
     * @param ports control ports, one per process
     * @param settings further arguments of every {@code run}
     * @param news called on threads that belong to the children
     */
    public GroupProcesses(
            String group,
            int worldSize,
            List<List<Integer>> seats,
            List<Integer> ports,
            List<String> settings,
            BiConsumer<ChildProcess, News> news) {
        this.group = group;
        this.worldSize = worldSize;
        this.seats = seats;
        this.controls = ports.stream()
                .map(port -> new ControlAddress("127.0.0.1", port))
                .toList();
        this.settings = settings;
        this.news = news;
        this.children = new ChildProcess[seats.size()];
    }

    public int size() {
        return seats.size();
    }

    public List<Integer> ranks(int process) {
        return seats.get(process);
    }

    public List<ControlAddress> controls() {
        return controls;
    }

    public String controlPorts() {
        return controls.stream().map(control -> String.valueOf(control.port())).collect(Collectors.joining(","));
    }

    public void start(int process) {
        List<String> arguments = new ArrayList<>(List.of(
                "run",
                "--group",
                group,
                "--ranks",
                seats.get(process).stream().map(String::valueOf).collect(Collectors.joining(",")),
                "--world-size",
                String.valueOf(worldSize),
                "--bind",
                "127.0.0.1",
                "--control-port",
                String.valueOf(controls.get(process).port()),
                "--hazelcast-port",
                "0",
                "--members",
                controls.stream().map(ControlAddress::toString).collect(Collectors.joining(",")),
                "--json",
                "--while-stdin-open"));
        arguments.addAll(settings);
        synchronized (children) {
            if (!closed) {
                try {
                    children[process] = ChildProcess.start(
                            JvmCommand.likeThisJvm().shortLived().runMain(arguments), seats.get(process), news);
                } catch (IOException e) {
                    throw new UncheckedIOException(
                            "can't start the process of ranks " + seats.get(process) + ": " + e.getMessage(), e);
                }
            }
        }
    }

    /** The status of the group, from the first process that answers with one; null if none does. */
    @Nullable
    public JsonObject picture() {
        JsonObject request = new JsonObject().put("ask", "status").put("group", group);
        for (ControlAddress control : controls) {
            if (ControlClient.ask(control, request, PATIENCE) instanceof ControlClient.Reply.Answered(JsonObject answer)
                    && answer.getJsonArray("groups", new JsonArray()).stream()
                                    .findFirst()
                                    .orElse(null)
                            instanceof JsonObject picture) {
                return picture;
            }
        }
        return null;
    }

    /** The process that was started last in this place. */
    public ChildProcess child(int process) {
        synchronized (children) {
            return children[process];
        }
    }

    /** The place of a process, or -1 if another process has taken it. */
    public int placeOf(ChildProcess child) {
        synchronized (children) {
            return List.of(children).indexOf(child);
        }
    }

    public List<ChildProcess> alive() {
        List<ChildProcess> alive = new ArrayList<>();
        synchronized (children) {
            for (ChildProcess child : children) {
                if (child != null && child.isAlive()) {
                    alive.add(child);
                }
            }
        }
        return alive;
    }

    /** Ends all processes in order, and kills those that take too long. Returns when all have ended; idempotent. */
    @Override
    public void close() {
        List<ChildProcess> ending;
        synchronized (children) {
            closed = true;
            ending = alive();
        }
        ending.forEach(ChildProcess::askToEnd);
        long endNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(STOP_MS);
        ending.forEach(child -> child.awaitEnd(TimeUnit.NANOSECONDS.toMillis(endNanos - System.nanoTime())));
    }
}
