// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import io.muster.cluster.ControlAddress;
import io.muster.cluster.ControlClient;
import io.muster.launch.ChildProcess.News;
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
 * The processes of one group on this host, each a {@code run --json} of the same world and members. One thread starts
 * and ends them; {@link #close} may be called from another, by a signal.
 */
public final class GroupProcesses implements AutoCloseable {
    private static final long STOP_MS = 5000;
    private static final Duration PATIENCE = Duration.ofSeconds(3);

    private final String group;
    private final int worldSize;
    private final List<List<Integer>> seats;
    private final List<ControlAddress> controls;
    private final List<String> settings;
    private final BiConsumer<ChildProcess, News> news;
    /** By process; the thread that starts and the one that closes meet here, under its lock. */
    private final ChildProcess[] children;

    private boolean closed;

    /**
     * @param seats the ranks of each process
     * @param ports control ports, one a process
     * @param settings further arguments of every {@code run}
     * @param news called on threads of the children's own
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
                    throw new UncheckedIOException("can't start a process: " + e.getMessage(), e);
                }
            }
        }
    }

    /** The picture of the group, from the first process that has one; null if none has. */
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

    /** The one that was started last in this place. */
    public ChildProcess child(int process) {
        synchronized (children) {
            return children[process];
        }
    }

    /** The place of a process, -1 if another has taken it. */
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

    /** Ends all processes, those that don't end in order by force. Returns when they are gone; may be called twice. */
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
