// SPDX-License-Identifier: Apache-2.0

package io.muster.bench;

import io.muster.JoinedRank;
import io.muster.PreparedRank;
import io.muster.bus.Addresses;
import io.muster.cluster.ControlAddress;
import io.muster.group.GroupName;
import io.muster.group.GroupSecret;
import io.muster.group.LogEvents;
import io.muster.launch.EventWriter;
import io.muster.launch.ExitCode;
import io.muster.launch.LaunchedProcess;
import io.muster.launch.ProcessSettings;
import io.muster.launch.RankList;
import io.muster.options.GroupOptions;
import io.muster.options.MusterOptions;
import io.muster.options.PrimeOptions;
import io.vertx.core.Future;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * One process of a measurement. It reads commands as JSON lines on standard input and writes their results as JSON
 * lines on standard output.
 */
@Command(name = "bench-worker", hidden = true, description = "One process of a measurement (used by bench).")
public final class BenchWorkerCommand implements Callable<Integer> {
    private static final Logger LOG = LoggerFactory.getLogger(BenchWorkerCommand.class);
    /** The fleet has limits of its own, and ends this process when one has passed. */
    private static final Duration LONG = Duration.ofMinutes(10);
    /** Wait for messages about links: they are read on another event loop than the one that completes the wait. */
    private static final long SETTLE_MS = 30;
    /** After so many rounds, nothing is left to be compiled. */
    private static final int MOST_PRIME_ROUNDS = 200;

    private static final int PRIME_PROCESSES = 4;
    private static final String GREETING = "muster.bench.greeting";

    @Option(names = "--members", required = true)
    private String members = "";

    @Option(names = "--group", description = "mode cold: join this group at once")
    private @Nullable String group;

    @Option(names = "--ranks")
    private String ranks = "";

    @Option(names = "--world-size")
    private int worldSize;

    @Option(
            names = "--secret-file",
            description =
                    "file with the secret of all groups but the one of the rehearsal; without it they have no secret")
    private @Nullable Path secretFile;

    @Option(
            names = "--prime-ms",
            description = "how long to rehearse before the process counts as up; 0: as long as 'run' does")
    private int primeMs;

    @Mixin
    private ProcessSettings settings = new ProcessSettings();

    private final EventWriter out = new EventWriter(System.out, true);
    private final Map<String, Joined> groups = new ConcurrentHashMap<>();

    /** The ranks of this process in one group. */
    private record Joined(
            Map<Integer, PreparedRank> prepared, Map<Integer, JoinedRank> joined, BenchMilestones milestones) {}

    @Override
    public Integer call() throws IOException {
        MusterOptions options = primeMs == 0
                ? settings.read()
                : settings.read().withPrime(_ -> new PrimeOptions(MOST_PRIME_ROUNDS, primeMs, PRIME_PROCESSES));
        try (LaunchedProcess process = LaunchedProcess.open(options)) {
            process.start(options, ControlAddress.parseList(members));
            if (primeMs != 0) {
                process.primeStore(options, Duration.ofMillis(primeMs));
                rehearse(process);
            }
            String own = group;
            if (own != null) {
                List<Integer> all = RankList.parse(ranks);
                IntFunction<GroupOptions> optionsOf = rank -> options(own, rank, worldSize, secretFile != null);
                prepare(process, own, all, optionsOf);
                report(publish(process, own, all, 0, optionsOf));
            }
            out.event("up", new JsonObject().put("atNanos", System.nanoTime()));
            serve(process);
        }
        return ExitCode.OK;
    }

    private void serve(LaunchedProcess process) throws IOException {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            var command = new JsonObject(line);
            String name = command.getString("group");
            List<Integer> which = command.getJsonArray("ranks", new JsonArray()).stream()
                    .map(Integer.class::cast)
                    .toList();
            IntFunction<GroupOptions> optionsOf =
                    rank -> options(name, rank, command.getInteger("worldSize"), secretFile != null);
            switch (command.getString("do")) {
                case "prepare" -> {
                    prepare(process, name, which, optionsOf);
                    out.event("prepared", new JsonObject());
                }
                case "publish" -> report(publish(process, name, which, command.getLong("atNanos", 0L), optionsOf));
                case "greet" ->
                    process.vertx()
                            .eventBus()
                            .publish(
                                    GREETING,
                                    new JsonObject()
                                            .put("pid", ProcessHandle.current().pid()));
                case "transfer" ->
                    out.event(
                            "transferred",
                            BenchTransfer.run(
                                    prepared(name).joined().values().iterator().next(), 1));
                case "await" ->
                    report(connected(
                            process,
                            name,
                            prepared(name).joined().values().stream().toList(),
                            new JsonObject()));
                case "leave" -> {
                    leave(name);
                    out.event("left", new JsonObject());
                }
                default -> out.event("failed", new JsonObject().put("reason", "unknown command " + line));
            }
        }
    }

    /**
     * Keeps the cost of the measurement itself out of the first round. A group of its own loads the classes of this
     * command. A greeting from every node opens the connections of the event bus, which a process that has been up for
     * long has as well. The greeting is logged because a body is decoded only when it is read.
     */
    private void rehearse(LaunchedProcess process) {
        String own = "bench-own-" + ProcessHandle.current().pid();
        List<Integer> both = List.of(0, 1);
        IntFunction<GroupOptions> optionsOf = rank -> options(own, rank, both.size(), false);
        prepare(process, own, both, optionsOf);
        publish(process, own, both, 0, optionsOf).await();
        leave(own);
        process.vertx()
                .eventBus()
                .<JsonObject>consumer(
                        GREETING, message -> LOG.debug(LogEvents.BENCH_GREETED + " by={}", message.body()))
                .completion()
                .await();
    }

    private void leave(String name) {
        Joined left = prepared(name);
        groups.remove(name);
        Future.join(left.joined().values().stream().map(JoinedRank::leave).toList())
                .await();
        left.milestones().close();
    }

    private Joined prepared(String name) {
        return Objects.requireNonNull(groups.get(name), () -> "group " + name + " was not prepared by this process");
    }

    private void prepare(
            LaunchedProcess process, String name, List<Integer> which, IntFunction<GroupOptions> optionsOf) {
        var milestones = new BenchMilestones(
                process.vertx(),
                new Addresses(new GroupName(name)),
                (event, atNanos) -> out.event(event, new JsonObject().put("atNanos", atNanos)));
        Map<Integer, PreparedRank> prepared = new TreeMap<>();
        List<Future<?>> all = new ArrayList<>();
        for (int rank : which) {
            all.add(process.muster().prepare(optionsOf.apply(rank)).onSuccess(one -> {
                synchronized (prepared) {
                    prepared.put(rank, one);
                }
            }));
        }
        Future.all(all).await();
        groups.put(name, new Joined(prepared, new ConcurrentHashMap<>(), milestones));
    }

    /** Only rank 1 of {@code bench transfer} gets memory: in the other groups a thousand ranks would each have it. */
    private GroupOptions options(String name, int rank, int size, boolean withSecret) {
        GroupOptions plain =
                withSecret ? GroupOptions.of(name, rank, size).secret(secret()) : GroupOptions.of(name, rank, size);
        return name.equals(BenchTransfer.GROUP) && rank == 1
                ? plain.segment(BenchTransfer.SEGMENT, BenchTransfer.BYTES)
                : plain;
    }

    private GroupSecret secret() {
        try {
            return GroupSecret.ofText(Files.readString(Objects.requireNonNull(secretFile)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Publishes the prepared ranks at the given time. A rank that is not prepared joins in one call.
     *
     * @return the result of {@link #connected}
     */
    private Future<JsonObject> publish(
            LaunchedProcess process,
            String name,
            List<Integer> which,
            long atNanos,
            IntFunction<GroupOptions> optionsOf) {
        Joined mine = prepared(name);
        for (long left = atNanos - System.nanoTime(); left > 0; left = atNanos - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
        long callNanos = System.nanoTime();
        List<Future<JoinedRank>> published = which.stream()
                .map(rank -> {
                    PreparedRank prepared = mine.prepared().get(rank);
                    return prepared == null ? process.muster().join(optionsOf.apply(rank)) : prepared.publish();
                })
                .toList();
        return Future.all(published).compose(all -> {
            long publishedNanos = System.nanoTime();
            List<JoinedRank> joined = all.<JoinedRank>list();
            joined.forEach(rank -> mine.joined().put(rank.member().rank(), rank));
            return connected(
                    process,
                    name,
                    joined,
                    which.isEmpty()
                            ? new JsonObject()
                            : new JsonObject()
                                    .put("publishCallNanos", callNanos)
                                    .put("publish", publishedNanos));
        });
    }

    /** Reports when these ranks knew that all are connected, and when this process reached each phase before. */
    private Future<JsonObject> connected(
            LaunchedProcess process, String name, List<JoinedRank> joined, JsonObject report) {
        Joined mine = prepared(name);
        return Future.all(joined.stream().map(rank -> rank.allConnected(LONG)).toList())
                .compose(_ -> {
                    report.put("know", System.nanoTime());
                    return process.vertx().timer(SETTLE_MS, TimeUnit.MILLISECONDS);
                })
                .map(_ -> report.mergeIn(mine.milestones().toJson()));
    }

    private void report(Future<JsonObject> outcome) {
        outcome.onComplete(
                connected -> out.event("connected", connected),
                failure -> out.event("failed", new JsonObject().put("reason", String.valueOf(failure.getMessage()))));
    }
}
