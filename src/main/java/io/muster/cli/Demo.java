// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import io.muster.group.MusterException;
import io.muster.launch.ChildProcess;
import io.muster.launch.ChildProcess.News;
import io.muster.launch.DemoPicture;
import io.muster.launch.DemoPlan;
import io.muster.launch.EventWriter;
import io.muster.launch.ExitCode;
import io.muster.launch.GroupProcesses;
import io.muster.ops.StatusVerticle;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A group on this host with one JVM per process. It is observed from outside: all information comes from the events
 * that the processes print. One thread runs it; {@link #close} may be called from another thread when a signal arrives.
 */
final class Demo implements AutoCloseable {
    static final String GROUP = "demo";
    /** Limit for the processes to start on a busy host. */
    private static final Duration START = Duration.ofSeconds(60);

    private final DemoPlan plan;
    private final EventWriter events;
    private final LiveView view;
    private final List<List<Integer>> seats;
    private final GroupProcesses processes;
    private final DemoPicture picture;
    private final BlockingQueue<Received> received = new LinkedBlockingQueue<>();
    /** The event {@code degraded} of each process that has reported the loss that is awaited. */
    private final Map<ChildProcess, JsonObject> degraded = new LinkedHashMap<>();

    private @Nullable ChildProcess killed;
    /**
     * Set by the thread that closes; read by the thread that runs, which says nothing about processes that end then.
     */
    private volatile boolean closing;

    private record Received(ChildProcess child, News news) {}

    Demo(DemoPlan plan, List<Integer> ports, EventWriter events, LiveView view) {
        this.plan = plan;
        this.events = events;
        this.view = view;
        this.seats = plan.seats();
        this.picture = new DemoPicture(plan.ranks());
        this.processes = new GroupProcesses(
                GROUP,
                plan.ranks(),
                seats,
                ports,
                plan.settings(),
                (child, news) -> received.add(new Received(child, news)));
    }

    /** Runs until all are connected, after a restart once more. Returns the exit code. */
    int run() {
        say(plan.ranks() + " ranks in " + seats.size() + (seats.size() == 1 ? " process" : " processes")
                + " on 127.0.0.1, control ports " + processes.controlPorts());
        for (int process = 0; process < seats.size(); process++) {
            processes.start(process);
        }
        JsonObject done = await(0);
        if (done != null && plan.restart() != null) {
            say(connected(done));
            done = restart(plan.restart(), done.getLong("epoch"));
        }
        return done == null ? notAllConnected() : allConnected(done);
    }

    /** Stays up until {@link #close}. Shows the state, and says each loss, each new epoch and each end. */
    void keep() {
        say("staying up until Ctrl-C; for the status, run: muster status --control "
                + processes.controls().getFirst());
        JsonObject known = picture.knownToAll(0);
        long epoch = known == null ? 0 : known.getLong("epoch");
        Set<String> losses = new HashSet<>();
        degraded.clear();
        while (true) {
            long now = System.nanoTime();
            show(0, now);
            Received next = next(view.dueInNanos(now));
            if (closing) {
                return;
            }
            if (next != null && next.news() instanceof News.Ended(int exitCode)) {
                say(next.child().ended(exitCode));
            }
            degraded.values().stream()
                    .map(EventWriter::degradedText)
                    .filter(losses::add)
                    .forEach(this::say);
            degraded.clear();
            JsonObject complete = picture.knownToAll(epoch);
            if (complete != null) {
                epoch = complete.getLong("epoch");
                say(connected(complete));
            }
        }
    }

    private void show(long after, long nowNanos) {
        view.show(picture.summary(after), () -> table(after), nowNanos);
    }

    private List<String> table(long after) {
        List<DemoPicture.Place> places = new ArrayList<>();
        for (int process = 0; process < seats.size(); process++) {
            ChildProcess child = processes.child(process);
            places.add(new DemoPicture.Place(
                    seats.get(process),
                    child.isAlive() ? child.pid() : 0,
                    processes.controls().get(process).toString()));
        }
        return picture.table(places, after, System.nanoTime(), view.room());
    }

    /** Ends all processes. Returns when all have ended; idempotent. */
    @Override
    public void close() {
        closing = true;
        processes.close();
    }

    // ---- watching

    /**
     * Waits until all ranks know an epoch after the given one, and returns it; null if the deadline passes first. The
     * deadline counts from the moment at which all started processes have published.
     */
    private @Nullable JsonObject await(long after) {
        Duration start = START.compareTo(plan.deadline()) > 0 ? START : plan.deadline();
        long endNanos = System.nanoTime() + start.toNanos();
        boolean up = false;
        JsonObject known;
        while ((known = picture.knownToAll(after)) == null) {
            long now = System.nanoTime();
            if (!up && picture.hasPublished(seats)) {
                up = true;
                endNanos = now + plan.deadline().toNanos();
            }
            if (now - endNanos >= 0) {
                break;
            }
            show(after, now);
            failIfEnded(next(Math.min(endNanos - now, view.dueInNanos(now))));
        }
        view.end(picture.summary(after), () -> table(after));
        if (known == null) {
            say(
                    up
                            ? "not all connected within " + plan.deadline().toMillis() + " ms"
                            : "not all processes have published within " + start.toMillis() + " ms of their start: "
                                    + seats.size() + " processes start on "
                                    + Runtime.getRuntime().availableProcessors()
                                    + " processors; use fewer (--processes), or give them more time (--deadline)");
        }
        return known;
    }

    private @Nullable Received next(long nanos) {
        try {
            Received next = received.poll(nanos, TimeUnit.NANOSECONDS);
            if (next != null) {
                take(next);
            }
            return next;
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            throw MusterException.fatal("interrupted while waiting for the processes of the demo");
        }
    }

    private void take(Received next) {
        switch (next.news()) {
            case News.Event(JsonObject body) -> {
                picture.note(body);
                events.event(body.getString("event", ""), body);
                if (body.getString("event", "").equals("degraded")) {
                    degraded.putIfAbsent(next.child(), body);
                }
            }
            case News.Ended _ -> picture.forget(next.child().ranks());
        }
    }

    private void failIfEnded(@Nullable Received next) {
        if (next == null || !(next.news() instanceof News.Ended(int exitCode)) || next.child() == killed) {
            return;
        }
        view.pause();
        throw MusterException.retry(next.child().ended(exitCode));
    }

    // ---- restart

    private @Nullable JsonObject restart(int rank, long epoch) {
        int process = 0;
        while (!seats.get(process).contains(rank)) {
            process++;
        }
        ChildProcess victim = processes.child(process);
        killed = victim;
        degraded.clear();
        long killedNanos = System.nanoTime();
        victim.kill();
        say("killed rank " + rank + ": kill -9 of pid " + victim.pid() + ", ranks " + victim.ranks());
        if (!awaitDegraded(victim)) {
            say("not all other processes have reported the loss within "
                    + plan.deadline().toMillis() + " ms");
            return null;
        }
        var body = new JsonObject().put("ranks", new JsonArray(victim.ranks())).put("killedPid", victim.pid());
        var after = new JsonArray();
        degraded.forEach((child, event) -> after.add(new JsonObject()
                .put("ranks", new JsonArray(child.ranks()))
                .put("degradedAfterMs", (event.getLong("atNanos") - killedNanos) / 1_000_000)));
        events.event("restart", body.put("seenBy", after));
        say(EventWriter.degradedText(degraded.values().iterator().next()));
        say("loss reported "
                + after.stream()
                        .map(JsonObject.class::cast)
                        .map(one -> "by ranks " + one.getJsonArray("ranks").encode() + " after "
                                + one.getLong("degradedAfterMs") + " ms")
                        .collect(Collectors.joining(", ")));
        processes.start(process);
        say("started rank " + rank + " again: pid " + processes.child(process).pid());
        return await(epoch);
    }

    /** Waits until all other processes have reported the loss and the killed process has ended. */
    private boolean awaitDegraded(ChildProcess victim) {
        long endNanos = System.nanoTime() + plan.deadline().toNanos();
        boolean gone = false;
        while (!gone || degraded.size() < seats.size() - 1) {
            long left = endNanos - System.nanoTime();
            if (left <= 0) {
                return false;
            }
            Received next = next(left);
            failIfEnded(next);
            gone |= next != null && next.child() == victim && next.news() instanceof News.Ended;
        }
        return true;
    }

    // ---- the end

    private static String connected(JsonObject known) {
        return EventWriter.text(io.muster.group.AllConnected.fromJson(known));
    }

    private int allConnected(JsonObject known) {
        say(connected(known));
        outcome("all-connected", ExitCode.OK, known.copy());
        return ExitCode.OK;
    }

    private int notAllConnected() {
        JsonObject report = processes.picture();
        List<Integer> missing = List.of();
        if (report != null) {
            events.event("report", report);
            say(StatusVerticle.text(report));
            missing = report.getJsonArray("missing").stream()
                    .map(row -> ((JsonObject) row).getInteger("rank"))
                    .distinct()
                    .toList();
        } else {
            processes
                    .alive()
                    .forEach(child -> say(
                            "  ranks " + child.ranks() + ", pid " + child.pid() + ": the process is still starting"));
        }
        outcome(
                "not-all-connected",
                ExitCode.NOT_ALL_CONNECTED,
                new JsonObject()
                        .put("group", GROUP)
                        .put("worldSize", plan.ranks())
                        .put("missing", new JsonArray(missing))
                        .put("deadlineMs", plan.deadline().toMillis()));
        return ExitCode.NOT_ALL_CONNECTED;
    }

    private void outcome(String outcome, int exitCode, JsonObject body) {
        body.remove("event");
        body.remove("ranks");
        body.remove("atNanos");
        events.event(
                "outcome",
                new JsonObject()
                        .put("outcome", outcome)
                        .put("exitCode", exitCode)
                        .mergeIn(body));
    }

    private void say(String line) {
        view.pause();
        events.text(line);
    }
}
