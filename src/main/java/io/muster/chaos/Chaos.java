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
import java.util.ArrayList;
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
 * A group of real processes to which faults are done, one after the other, each from all-connected to all-connected;
 * what was done and what the group said is kept in a {@link ChaosLedger}. One thread runs it; {@link #close} may be
 * called from another, by a signal.
 */
final class Chaos implements AutoCloseable {
    static final String GROUP = "chaos";
    /** For all processes to start and connect, or to connect again after a fault, on a busy host. */
    private static final long CONNECT_MS = 120_000;
    /** For what must be told, beyond the limit in which it is due: a busy host is late, and never silent. */
    private static final long TELL_SLACK_MS = 30_000;

    private static final long RANK_LINES = 8;
    /** A wait that is longer is asked about. */
    private static final long LOOK_MS = 15_000;

    private final ChaosPlan plan;
    private final EventWriter events;
    private final GroupProcesses processes;
    private final DemoPicture picture;
    private final ChaosLedger ledger = new ChaosLedger();
    private final ChaosEvidence evidence;
    private final BlockingQueue<Heard> heard = new LinkedBlockingQueue<>();
    private final Set<ChildProcess> expectedToEnd = Collections.synchronizedSet(new HashSet<>());
    private final long startNanos = System.nanoTime();
    private long epoch;

    private record Heard(ChildProcess child, News news) {}

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
                (child, news) -> heard.add(new Heard(child, news)));
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

    /** Does one fault, and waits until all are connected again; false if they are not in time. */
    boolean run(ChaosFault fault) {
        Set<Integer> ranks = new TreeSet<>();
        Set<Integer> tellers = new TreeSet<>();
        for (int process = 0; process < processes.size(); process++) {
            if (fault.processes().contains(process)) {
                ranks.addAll(processes.ranks(process));
            } else {
                tellers.add(processes.ranks(process).getFirst());
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
        ledger.begin(fault.kind(), ranks, tellers, begunNanos);
        switch (fault.kind()) {
            case KILL, KILL_TWO -> {
                kill(fault);
                awaitTold();
                awaitGone(fault);
                fault.processes().forEach(processes::start);
            }
            case RESTART -> {
                kill(fault);
                awaitGone(fault);
                fault.processes().forEach(processes::start);
                awaitTold();
            }
            case LEAVE -> {
                fault.processes().forEach(process -> {
                    expectedToEnd.add(processes.child(process));
                    processes.child(process).askToEnd();
                });
                awaitTold();
                awaitGone(fault);
                fault.processes().forEach(processes::start);
            }
            case STOP, STOP_TWO -> {
                signal(fault, "STOP");
                listen(fault.holdMs());
                signal(fault, "CONT");
                awaitTold();
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

    /** How long it really was is what counts: the host may have had other things to do. */
    private void shortStop(ChaosFault fault) {
        long stoppedNanos = System.nanoTime();
        signal(fault, "STOP");
        listen(fault.holdMs());
        signal(fault, "CONT");
        long heldMs = (System.nanoTime() - stoppedNanos) / 1_000_000;
        if (heldMs > plan.limitMs() * 7 / 10) {
            ledger.excuse();
            say("it came out as " + heldMs + " ms, too near to the limit: not judged");
        }
    }

    // ---- listening

    /** Takes in what is said for so long. */
    void listen(long ms) {
        long endNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(ms);
        for (long left = endNanos - System.nanoTime(); left > 0; left = endNanos - System.nanoTime()) {
            next(left);
        }
    }

    /** After a short stop: nobody may say anything; the next fault comes when nothing can be under way any more. */
    private boolean listenQuietly() {
        listen(plan.limitMs() * 3 / 2);
        return picture.knownToAll(epoch - 1) != null || awaitAllConnected(System.nanoTime());
    }

    private void awaitTold() {
        long endNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(plan.limitMs() + TELL_SLACK_MS);
        while (!ledger.isTold() && System.nanoTime() - endNanos < 0) {
            next(endNanos - System.nanoTime());
        }
        Map<Integer, Long> after = ledger.toldAfterMs();
        say("  told "
                + (after.isEmpty()
                        ? "by nobody"
                        : after.entrySet().stream()
                                .limit(RANK_LINES)
                                .map(one -> "by rank " + one.getKey() + " after " + one.getValue() + " ms")
                                .collect(Collectors.joining(", ")))
                + (ledger.isTold() ? "" : ", not by all"));
        events.event(
                "told",
                new JsonObject()
                        .put(
                                "afterMs",
                                new JsonObject(after.entrySet().stream()
                                        .collect(Collectors.toMap(
                                                one -> String.valueOf(one.getKey()), Map.Entry::getValue))))
                        .put("byAll", ledger.isTold()));
    }

    private void awaitGone(ChaosFault fault) {
        long endNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(TELL_SLACK_MS);
        while (fault.processes().stream().anyMatch(process -> !picture.isForgotten(processes.ranks(process)))
                && System.nanoTime() - endNanos < 0) {
            next(endNanos - System.nanoTime());
        }
    }

    private boolean awaitAllConnected(long sinceNanos) {
        long endNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(CONNECT_MS);
        long lookNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(LOOK_MS);
        JsonObject known;
        while ((known = picture.knownToAll(epoch)) == null) {
            long now = System.nanoTime();
            if (now - endNanos >= 0) {
                say("  NOT all-connected after " + CONNECT_MS + " ms: " + picture.summary(epoch));
                evidence.keep("late");
                return false;
            }
            if (now - lookNanos >= 0) {
                JsonObject group = processes.picture();
                say("  waiting: " + (group == null ? "no process answers" : StatusVerticle.text(group)));
                lookNanos = now + TimeUnit.MILLISECONDS.toNanos(LOOK_MS);
            }
            next(Math.min(endNanos, lookNanos) - now);
        }
        epoch = known.getLong("epoch");
        long ms = (System.nanoTime() - sinceNanos) / 1_000_000;
        say("  all-connected epoch=" + epoch + " after " + ms + " ms");
        events.event("all-connected", new JsonObject().put("epoch", epoch).put("afterMs", ms));
        return true;
    }

    private @Nullable Heard next(long nanos) {
        try {
            Heard next = heard.poll(Math.max(1, nanos), TimeUnit.NANOSECONDS);
            if (next != null) {
                take(next);
            }
            return next;
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            throw MusterException.fatal("interrupted");
        }
    }

    private void take(Heard next) {
        int place = processes.placeOf(next.child());
        switch (next.news()) {
            case News.Event(JsonObject body) -> {
                if (place >= 0) {
                    picture.note(body);
                }
                int before = ledger.wrongAccusations().size();
                switch (body.getString("event", "")) {
                    case "degraded" -> ledger.told(next.child().ranks().getFirst(), body);
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
                    List<String> words = new ArrayList<>(next.child().lastWords());
                    throw MusterException.retry("the process of ranks "
                            + next.child().ranks() + " (pid " + next.child().pid() + ") has ended by itself with exit"
                            + " code " + exitCode
                            + (words.isEmpty() ? "" : ": " + String.join(System.lineSeparator() + "  ", words)));
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

    /** Continues whoever is stopped, then ends all; may be called twice. */
    void endAll() {
        processes.alive().forEach(child -> child.signal("CONT"));
        expectedToEnd.addAll(processes.alive());
        processes.close();
    }
}
