// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import io.muster.JoinedRank;
import io.muster.chaos.Traffic;
import io.muster.cluster.ControlAddress;
import io.muster.cluster.MemberList;
import io.muster.group.AllConnected;
import io.muster.group.MusterException;
import io.muster.launch.DurationConverter;
import io.muster.launch.EndSignals;
import io.muster.launch.EventWriter;
import io.muster.launch.ExitCode;
import io.muster.launch.LaunchedProcess;
import io.muster.launch.ProcessSettings;
import io.muster.launch.QueuedOutput;
import io.muster.launch.RankList;
import io.muster.ops.StatusVerticle;
import io.muster.options.EndpointOptions;
import io.muster.options.GroupOptions;
import io.muster.options.MusterOptions;
import io.muster.options.OwnAddress;
import io.vertx.core.Future;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code muster run}: one process of a cluster, which joins a group with its ranks and stays until a signal ends it.
 */
@Command(
        name = "run",
        description = "Runs one process of a cluster, with one or several ranks of a group.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        footer = {
            "",
            "Exit codes: 0 ended in order (also by Ctrl-C or SIGTERM), 1 failed, 2 wrong arguments or settings, or another process holds the rank, "
                    + "3 not all connected within --deadline."
        })
final class RunCommand implements Callable<Integer> {

    /** No limit: a wait needs one, and a year is longer than a process runs. */
    private static final Duration NO_LIMIT = Duration.ofDays(365);
    /** The status of a group takes two seconds at most, and the processes of missing ranks four. */
    private static final long REPORT_SECONDS = 7;

    /**
     * An epoch that stands completes the wait at once. After this pause it is asked again whether there is a newer one.
     */
    private static final long EPOCH_PAUSE_MS = 10;

    @Option(names = "--group", required = true, paramLabel = "NAME", description = "Name of the group.")
    private String group = "";

    @ArgGroup(multiplicity = "1")
    private Ranks ranks = new Ranks();

    private static final class Ranks {
        @Option(names = "--rank", paramLabel = "RANK", description = "The rank of this process.")
        private @Nullable Integer rank;

        @Option(
                names = "--ranks",
                paramLabel = "RANKS",
                description = "The ranks of this process, such as 3, 0-7 or 0,4.")
        private @Nullable String ranks;

        List<Integer> list() {
            return rank != null ? List.of(rank) : RankList.parse(ranks == null ? "" : ranks);
        }
    }

    @Option(names = "--world-size", required = true, paramLabel = "N", description = "Number of ranks in the group.")
    private int worldSize;

    @Option(
            names = "--members",
            paramLabel = "HOST[:PORT],…",
            description = "Control addresses of all processes, the same list in each process."
                    + " The first one founds the cluster. Without this option the process is alone.")
    private String members = "";

    @Option(
            names = "--segment",
            paramLabel = "NAME:BYTES",
            description = "Memory that each rank of this process registers. May be repeated.")
    private List<String> segments = new ArrayList<>();

    @Option(
            names = "--deadline",
            paramLabel = "TIME",
            converter = DurationConverter.class,
            description = "Fail with the report and exit code 3 if not all ranks are connected within this time from "
                    + "the start of the command, including the wait for the other processes. Without this option, wait "
                    + "without limit and report periodically.")
    private @Nullable Duration deadline;

    @Option(names = "--json", description = "Print one JSON object per line on standard output, and nothing else.")
    private boolean json;

    @Option(
            names = "--while-stdin-open",
            hidden = true,
            description = "End when standard input ends, because the process that started this one has ended.")
    private boolean whileStdinOpen;

    @Option(
            names = "--traffic",
            paramLabel = "BYTES",
            hidden = true,
            description = "Write this many bytes into the next rank, one write after the other.")
    private long trafficBytes;

    @Mixin
    private ProcessSettings settings = new ProcessSettings();

    private final long startNanos = System.nanoTime();
    private final CompletableFuture<Integer> outcome = new CompletableFuture<>();
    /** Set by the shutdown hook; read by the main thread, where an ending JVM makes the run fail. */
    private volatile boolean ending;
    /** Set when all ranks have published; read by the periodic report. */
    private volatile List<JoinedRank> joined = List.of();

    @Override
    public Integer call() throws InterruptedException {
        MusterOptions options = settings.read();
        List<ControlAddress> addresses = members.isEmpty() ? List.of() : ControlAddress.parseList(members);
        EndpointOptions endpoint = options.endpoint();
        new MemberList(OwnAddress.of(endpoint), endpoint.controlPort(), addresses).requireReachable(endpoint.bind());
        List<GroupOptions> joins = ranks.list().stream().map(this::groupOptions).toList();
        var events = new EventWriter(System.out, json);
        try (LaunchedProcess process = LaunchedProcess.open(options)) {
            process.joins(group, ranks.list());
            Thread hook = Thread.ofPlatform().unstarted(() -> end(process));
            Runtime.getRuntime().addShutdownHook(hook);
            EndSignals.endInOrder(() -> process.dumpFlightRecord("sigterm"));
            if (whileStdinOpen) {
                Thread.ofPlatform().daemon().start(RunCommand::endWithStdin);
            }
            events.event(
                    "starting",
                    new JsonObject()
                            .put("pid", ProcessHandle.current().pid())
                            .put("control", process.controlAddress().toString())
                            .put("ranks", new JsonArray(ranks.list())));
            events.text("starting pid=" + ProcessHandle.current().pid() + " group=" + group + " ranks=" + ranks.list()
                    + " worldSize=" + worldSize + " control=" + process.controlAddress());
            Thread.ofPlatform()
                    .daemon()
                    .name("muster-start")
                    .start(() -> start(process, options, addresses, joins, events));
            int code = awaitOutcome(process, options.barrier().reportEveryMs(), events);
            if (!ending) {
                Runtime.getRuntime().removeShutdownHook(hook);
            }
            return code;
        } catch (RuntimeException e) {
            if (ending) {
                // the run failed because the JVM is ending, which has the exit code already
                return ExitCode.OK;
            }
            if (e instanceof CompletionException && e.getCause() instanceof Error error) {
                throw error;
            }
            throw e instanceof CompletionException && e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }

    /** The time that is left of the deadline, which counts from the start of the command. */
    private Duration left() {
        if (deadline == null) {
            return NO_LIMIT;
        }
        Duration left = deadline.minusNanos(System.nanoTime() - startNanos);
        return left.isPositive() ? left : Duration.ofMillis(1); // the least that a wait accepts
    }

    private static boolean isLate(Throwable failure) {
        return failure instanceof MusterException known && known.kind() == MusterException.Kind.RETRY;
    }

    /** On a thread of its own, so that the deadline ends it in every step. */
    private void start(
            LaunchedProcess process,
            MusterOptions options,
            List<ControlAddress> addresses,
            List<GroupOptions> joins,
            EventWriter events) {
        try {
            process.start(options, addresses);
            var runEvents = new RunEvents(group, events);
            runEvents.busEvents(process.vertx());
            runEvents.waiting(process, options.barrier().reportEveryMs(), () -> joined);
            join(process, joins, events);
        } catch (Throwable failure) { // also an Error: the main thread handles it
            outcome.completeExceptionally(failure);
        }
    }

    /** Waits for the end. Meanwhile, prints what the start waits for, and ends it at the deadline. */
    private int awaitOutcome(LaunchedProcess process, int everyMs, EventWriter events) throws InterruptedException {
        while (process.isStarting() && !outcome.isDone()) {
            long leftMs = left().toMillis() + 1;
            try {
                outcome.get(everyMs == 0 ? leftMs : Math.min(everyMs, leftMs), TimeUnit.MILLISECONDS);
            } catch (TimeoutException _) {
                if (process.isStarting()) {
                    String waiting = "this process is starting and waits for " + process.waitsFor();
                    var report = new JsonObject().put("group", group).put("text", waiting);
                    if (isPast()) {
                        events.event("report", report);
                        events.text(lateText() + ": " + waiting);
                        return ExitCode.NOT_ALL_CONNECTED;
                    }
                    events.event("waiting", report);
                    events.text("waiting group=" + group + ": " + waiting);
                }
            } catch (ExecutionException _) {
                break; // thrown below
            }
        }
        return outcome.join();
    }

    private boolean isPast() {
        return deadline != null && System.nanoTime() - startNanos >= deadline.toNanos();
    }

    private String lateText() {
        return "not all connected within " + DurationConverter.text(deadline == null ? NO_LIMIT : deadline);
    }

    private void end(LaunchedProcess process) {
        ending = true;
        process.close();
        QueuedOutput.drain();
    }

    private GroupOptions groupOptions(int rank) {
        GroupOptions options = GroupOptions.of(group, rank, worldSize);
        if (trafficBytes > 0) {
            options = options.segment(Traffic.SEGMENT, trafficBytes);
        }
        for (String segment : segments) {
            int colon = segment.lastIndexOf(':');
            try {
                options = options.segment(
                        segment.substring(0, Math.max(colon, 0)), Long.parseLong(segment.substring(colon + 1)));
            } catch (NumberFormatException _) {
                throw MusterException.config("--segment must be NAME:BYTES, got '" + segment + "'");
            }
        }
        return options;
    }

    private void join(LaunchedProcess process, List<GroupOptions> joins, EventWriter events) {
        Future.all(joins.stream().map(join -> process.muster().join(join)).toList())
                .timeout(left().toMillis() + 1, TimeUnit.MILLISECONDS)
                .onComplete(
                        results -> {
                            List<JoinedRank> all = results.list();
                            joined = all;
                            if (trafficBytes > 0) {
                                var traffic = new Traffic(process.vertx());
                                traffic.start(all, trafficBytes);
                                process.answer("traffic", traffic::toJson);
                            }
                            all.forEach(rank -> {
                                events.event(
                                        "published",
                                        new JsonObject()
                                                .put("group", group)
                                                .put("rank", rank.member().rank())
                                                .put(
                                                        "incarnation",
                                                        rank.member().incarnation()));
                                events.text("published group=" + group + " rank="
                                        + rank.member().rank() + " incarnation="
                                        + rank.member().incarnation());
                            });
                            await(process, all, 0, events);
                        },
                        failure -> failed(process, failure, events));
    }

    /** Waits for one epoch after the other while the process lives; the deadline applies to the first one only. */
    private void await(LaunchedProcess process, List<JoinedRank> all, long after, EventWriter events) {
        Duration limit = after == 0 ? left() : NO_LIMIT;
        Future.all(all.stream().map(rank -> rank.allConnected(limit)).toList())
                .onComplete(
                        waited -> {
                            AllConnected connected = waited.resultAt(0);
                            if (connected.epoch() > after) {
                                events.event(
                                        "all-connected",
                                        connected
                                                .toJson()
                                                .put("ranks", new JsonArray(ranks.list()))
                                                .put("atNanos", System.nanoTime()));
                                events.text(EventWriter.text(connected));
                            }
                            process.vertx()
                                    .setTimer(
                                            EPOCH_PAUSE_MS,
                                            _ -> await(process, all, Math.max(after, connected.epoch()), events));
                        },
                        failure -> failed(process, failure, events));
    }

    private void failed(LaunchedProcess process, Throwable failure, EventWriter events) {
        if (isLate(failure) || failure instanceof TimeoutException) {
            var _ = process.pictures(group)
                    .toCompletableFuture()
                    .orTimeout(REPORT_SECONDS, TimeUnit.SECONDS)
                    .whenComplete((pictures, unknown) -> {
                        try {
                            if (pictures == null) {
                                events.text(lateText() + ": " + failure.getMessage() + " (no report: " + unknown + ")");
                            } else {
                                pictures.forEach(picture -> {
                                    events.event("report", picture);
                                    events.text(lateText() + "\n" + StatusVerticle.text(picture));
                                });
                            }
                        } finally {
                            outcome.complete(ExitCode.NOT_ALL_CONNECTED);
                        }
                    });
        } else {
            outcome.completeExceptionally(failure);
        }
    }

    private static void endWithStdin() {
        try {
            while (System.in.read() >= 0) {
                // the content is ignored; only the end of the input matters
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            System.exit(ExitCode.OK);
        }
    }
}
