// SPDX-License-Identifier: Apache-2.0

package io.muster.chaos;

import io.muster.group.MusterException;
import io.muster.launch.ChildProcess;
import io.muster.launch.ChildProcess.News;
import io.muster.launch.DemoPicture;
import io.muster.launch.EventWriter;
import io.muster.launch.GroupProcesses;
import io.muster.ops.StatusVerticle;
import io.vertx.core.json.JsonObject;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A group of real processes into which faults are injected, one after the other. Each fault begins and ends with
 * all-connected. A {@link ChaosLedger} keeps every fault and every report of the group. One thread runs it;
 * {@link #close} may be called from another thread when a signal arrives.
 */
final class Chaos implements AutoCloseable {
    static final String GROUP = "chaos";
    /** Limit for all processes to start and connect, or to connect again after a fault, on a busy host. */
    private static final long CONNECT_MS = 120_000;
    /** Extra time for a report, beyond the liveness limit: on a busy host reports are late, but they do arrive. */
    private static final long REPORT_SLACK_MS = 30_000;

    private static final long RANK_LINES = 8;
    /** A wait that takes longer asks the group for its status. */
    private static final long STATUS_MS = 15_000;

    private final ChaosPlan plan;
    private final EventWriter events;
    private final GroupProcesses processes;
    private final DemoPicture picture;
    private final ChaosLedger ledger = new ChaosLedger();
    private final ChaosEvidence evidence;
    private final BlockingQueue<Received> received = new LinkedBlockingQueue<>();
    private final Set<ChildProcess> expectedToEnd = Collections.synchronizedSet(new HashSet<>());
    private final long startNanos = System.nanoTime();
    private long epoch;

    private record Received(ChildProcess child, News news) {}

    Chaos(ChaosPlan plan, List<Integer> ports, EventWriter events) {
        this.plan = plan;
        this.events = events;
        this.picture = new DemoPicture(plan.ranks());
        this.processes = new GroupProcesses(
                GROUP,
                plan.ranks(),
                plan.seats(),
                ports,
                plan.settings(),
                (child, news) -> received.add(new Received(child, news)));
        this.evidence = new ChaosEvidence(processes.controls());
    }

    ChaosLedger ledger() {
        return ledger;
    }

    GroupProcesses processes() {
        return processes;
    }

    long epoch() {
        return epoch;
    }

    /** Starts all processes and waits until all are connected. */
    boolean start() {
        say(plan.ranks() + " ranks in " + processes.size() + " processes on 127.0.0.1, seed " + plan.seed()
                + ", liveness limit " + plan.limitMs() + " ms, control ports " + processes.controlPorts());
        for (int process = 0; process < processes.size(); process++) {
            processes.start(process);
        }
        return awaitAllConnected(System.nanoTime());
    }

    /** Injects one fault and waits until all are connected again; false if that takes too long. */
    boolean run(ChaosFault fault) {
        Set<Integer> ranks = new TreeSet<>();
        Set<Integer> reporters = new TreeSet<>();
        for (int process = 0; process < processes.size(); process++) {
            if (fault.processes().contains(process)) {
                ranks.addAll(processes.ranks(process));
            } else {
                reporters.add(processes.ranks(process).getFirst());
            }
        }
        say(fault.kind() + " of ranks " + ranks + ", "
                + fault.processes().stream()
                        .map(process -> "pid " + processes.child(process).pid())
                        .collect(Collectors.joining(", "))
                + (fault.holdMs() > 0 ? " for " + fault.holdMs() + " ms" : ""));
        events.event(
                "fault",
                new JsonObject()
                        .put("kind", fault.kind().toString())
                        .put("ranks", List.copyOf(ranks))
                        .put("holdMs", fault.holdMs()));
        long begunNanos = System.nanoTime();
        ledger.begin(fault.kind(), ranks, reporters, begunNanos);
        switch (fault.kind()) {
            case KILL, KILL_TWO -> {
                kill(fault);
                awaitReports();
                awaitGone(fault);
                fault.processes().forEach(processes::start);
            }
            case RESTART -> {
                kill(fault);
                awaitGone(fault);
                fault.processes().forEach(processes::start);
                awaitReports();
            }
            case LEAVE -> {
                fault.processes().forEach(process -> {
                    expectedToEnd.add(processes.child(process));
                    processes.child(process).askToEnd();
                });
                awaitReports();
                awaitGone(fault);
                fault.processes().forEach(processes::start);
            }
            case STOP, STOP_TWO -> {
                signal(fault, "STOP");
                listen(fault.holdMs());
                signal(fault, "CONT");
                awaitReports();
            }
            case SHORT_STOP -> shortStop(fault);
        }
        boolean connected =
                fault.kind() == ChaosFault.Kind.SHORT_STOP ? listenQuietly() : awaitAllConnected(begunNanos);
        ledger.end(System.nanoTime());
        return connected;
    }

    private void kill(ChaosFault fault) {
        fault.processes().forEach(process -> expectedToEnd.add(processes.child(process)));
        fault.processes().forEach(process -> processes.child(process).kill());
    }

    private void signal(ChaosFault fault, String signal) {
        fault.processes().forEach(process -> processes.child(process).signal(signal));
    }

    /** Judges the stop by its real duration, because a busy host may delay the SIGCONT. */
    private void shortStop(ChaosFault fault) {
        long stoppedNanos = System.nanoTime();
        signal(fault, "STOP");
        listen(fault.holdMs());
        signal(fault, "CONT");
        long heldMs = (System.nanoTime() - stoppedNanos) / 1_000_000;
        if (heldMs > plan.limitMs() * 7 / 10) {
            ledger.excuse();
            say("the stop lasted " + heldMs + " ms, too close to the limit of " + plan.limitMs() + " ms: not judged");
        }
    }

    // ---- listening

    /** Processes the events of the group for this time. */
    void listen(long ms) {
        long endNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(ms);
        for (long left = endNanos - System.nanoTime(); left > 0; left = endNanos - System.nanoTime()) {
            next(left);
        }
    }

    /** After a short stop no process may report a loss. Waits until a late report could no longer arrive. */
    private boolean listenQuietly() {
        listen(plan.limitMs() * 3 / 2);
        return picture.knownToAll(epoch - 1) != null || awaitAllConnected(System.nanoTime());
    }

    private void awaitReports() {
        long endNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(plan.limitMs() + REPORT_SLACK_MS);
        while (!ledger.isReported() && System.nanoTime() - endNanos < 0) {
            next(endNanos - System.nanoTime());
        }
        Map<Integer, Long> after = ledger.reportedAfterMs();
        say("  reported "
                + (after.isEmpty()
                        ? "by no rank"
                        : after.entrySet().stream()
                                .limit(RANK_LINES)
                                .map(one -> "by rank " + one.getKey() + " after " + one.getValue() + " ms")
                                .collect(Collectors.joining(", ")))
                + (ledger.isReported() ? "" : ", not by all"));
        events.event(
                "reported",
                new JsonObject()
                        .put(
                                "afterMs",
                                new JsonObject(after.entrySet().stream()
                                        .collect(Collectors.toMap(
                                                one -> String.valueOf(one.getKey()), Map.Entry::getValue))))
                        .put("byAll", ledger.isReported()));
    }

    private void awaitGone(ChaosFault fault) {
        long endNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(REPORT_SLACK_MS);
        while (fault.processes().stream().anyMatch(process -> !picture.isForgotten(processes.ranks(process)))
                && System.nanoTime() - endNanos < 0) {
            next(endNanos - System.nanoTime());
        }
    }

    private boolean awaitAllConnected(long sinceNanos) {
        long endNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(CONNECT_MS);
        long statusNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(STATUS_MS);
        JsonObject known;
        while ((known = picture.knownToAll(epoch)) == null) {
            long now = System.nanoTime();
            if (now - endNanos >= 0) {
                say("  NOT all-connected after " + CONNECT_MS + " ms: " + picture.summary(epoch));
                evidence.keep("late");
                return false;
            }
            if (now - statusNanos >= 0) {
                JsonObject group = processes.picture();
                say("  waiting: "
                        + (group == null
                                ? "no process answers the question for the status"
                                : StatusVerticle.text(group)));
                statusNanos = now + TimeUnit.MILLISECONDS.toNanos(STATUS_MS);
            }
            next(Math.min(endNanos, statusNanos) - now);
        }
        epoch = known.getLong("epoch");
        long ms = (System.nanoTime() - sinceNanos) / 1_000_000;
        say("  all-connected epoch=" + epoch + " after " + ms + " ms");
        events.event("all-connected", new JsonObject().put("epoch", epoch).put("afterMs", ms));
        return true;
    }

    private @Nullable Received next(long nanos) {
        try {
            Received next = received.poll(Math.max(1, nanos), TimeUnit.NANOSECONDS);
            if (next != null) {
                take(next);
            }
            return next;
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            throw MusterException.fatal("interrupted");
        }
    }

    private void take(Received next) {
        int place = processes.placeOf(next.child());
        switch (next.news()) {
            case News.Event(JsonObject body) -> {
                if (place >= 0) {
                    picture.note(body);
                }
                int before = ledger.wrongAccusations().size();
                switch (body.getString("event", "")) {
                    case "degraded" -> ledger.degraded(next.child().ranks().getFirst(), body);
                    case "blame" -> ledger.blamed(next.child().ranks().getFirst(), body);
                    default -> {}
                }
                ledger.wrongAccusations().stream().skip(before).forEach(wrong -> say("  WRONG: " + wrong));
                if (before == 0 && !ledger.wrongAccusations().isEmpty()) {
                    evidence.keep("wrong");
                }
            }
            case News.Ended(int exitCode) -> {
                if (place >= 0) {
                    picture.forget(next.child().ranks());
                }
                if (!expectedToEnd.remove(next.child())) {
                    throw MusterException.retry(
                            "no fault ended it: " + next.child().ended(exitCode));
                }
            }
        }
    }

    void say(String line) {
        events.text("%7.1f s  %s".formatted((System.nanoTime() - startNanos) / 1e9, line));
    }

    @Override
    public void close() {
        endAll();
    }

    /** Continues the stopped processes, then ends all; idempotent. */
    void endAll() {
        processes.alive().forEach(child -> child.signal("CONT"));
        expectedToEnd.addAll(processes.alive());
        processes.close();
    }
}
