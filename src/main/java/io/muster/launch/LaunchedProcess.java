// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import io.muster.Diagnostics;
import io.muster.Muster;
import io.muster.cluster.AbsentProcesses;
import io.muster.cluster.ClusterFormation;
import io.muster.cluster.ClusterMember;
import io.muster.cluster.ControlAddress;
import io.muster.cluster.ControlPort;
import io.muster.cluster.FileLimit;
import io.muster.cluster.StartProgress;
import io.muster.group.GroupName;
import io.muster.group.LogEvents;
import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.muster.group.StuckReport;
import io.muster.group.StuckReport.Phase;
import io.muster.ops.ProcessResources;
import io.muster.options.EndpointOptions;
import io.muster.options.HazelcastOptions;
import io.muster.options.MusterHazelcast;
import io.muster.options.MusterOptions;
import io.muster.options.OwnAddress;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A process that the launcher starts: control port, Hazelcast, Vert.x and Muster, opened in this order and closed in
 * reverse. In an application that uses the library, the application owns all of these but Muster itself.
 */
public final class LaunchedProcess implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LaunchedProcess.class);

    private static final Executor VIRTUAL =
            task -> Thread.ofVirtual().name("muster-status").start(task);

    private final ControlPort controlPort;
    /** The three fields are set during the start and read by the thread that closes, which may be another one. */
    private volatile @Nullable ClusterMember member;

    private volatile @Nullable Vertx vertx;
    private volatile @Nullable Muster muster;
    /** What this process will join, for a status that is asked before; null: nothing. */
    private volatile @Nullable Joining joining;

    private final StartProgress progress = new StartProgress();
    private final ProcessId processId = ProcessId.random(new SecureRandom());
    private volatile @Nullable AbsentProcesses absent;

    private record Joining(String group, List<Integer> ranks) {
        JsonObject toJson() {
            return new JsonObject().put("group", group).put("ranks", new JsonArray(ranks));
        }
    }

    private boolean closed;
    private final Duration budget;
    /** When the end must be over, {@code Long.MIN_VALUE} before it has begun. Guarded by this object's monitor. */
    private long endNanos = Long.MIN_VALUE;

    private LaunchedProcess(ControlPort controlPort, Duration budget) {
        this.controlPort = controlPort;
        this.budget = budget;
    }

    /** Opens the control port, so that other processes can ask it while the rest starts. */
    public static LaunchedProcess open(MusterOptions options) {
        FileLimit.require(0);
        EndpointOptions endpoint = options.endpoint();
        if (endpoint.controlPort() < 0) {
            throw MusterException.config(
                    "endpoint.controlPort must not be off (-1) for a process that the launcher starts, because "
                            + "the other"
                            + " processes ask this port whether the cluster has formed");
        }
        ControlPort port = ControlPort.open(
                new ControlAddress(endpoint.bind(), endpoint.controlPort()), ControlPort.Limits.DEFAULT);
        var process =
                new LaunchedProcess(port, Duration.ofMillis(options.shutdown().timeoutMs()));
        port.handle("status", process::status);
        port.handle("dump", process::flightRecord);
        port.handle(AbsentProcesses.ASK, _ -> CompletableFuture.completedFuture(process.about()));
        port.handle(
                "resources",
                request -> CompletableFuture.completedFuture(
                        process.resources(Boolean.TRUE.equals(request.getValue("collect")))));
        return process;
    }

    /**
     * Forms or joins the cluster and starts Muster on it. Blocks.
     *
     * @param members control addresses of all processes, the same list in each; empty if this process is alone
     */
    public void start(MusterOptions options, List<ControlAddress> members) {
        FileLimit.require(Math.max(0, members.size() - 1));
        HazelcastOptions hazelcast = options.hazelcast();
        EndpointOptions endpoint = options.endpoint();
        OwnAddress own = OwnAddress.of(endpoint);
        Thread priming = Thread.ofPlatform().daemon().name("muster-prime").start(() -> prime(options));
        ClusterMember joined = ClusterMember.start(
                controlPort,
                new ClusterMember.Settings(
                        processId,
                        members,
                        new MusterHazelcast.Bind(endpoint.bind(), hazelcast.port(), endpoint.advertise()),
                        () -> ClusterMember.configuration(options),
                        ClusterFormation.Settings.DEFAULT),
                progress);
        member = joined;
        absent = new AbsentProcesses(
                new ControlAddress(
                        own.dialled().getHostAddress(), controlPort.address().port()),
                members,
                joined::processes);
        var vertxOptions = new VertxOptions();
        // Few event loops: a message between two of them wakes a thread, which waits for a core where cores are busy.
        vertxOptions.setEventLoopPoolSize(Math.max(1, Runtime.getRuntime().availableProcessors() / 2));
        options.security().tls().applyTo(vertxOptions.getEventBusOptions());
        vertxOptions
                .getEventBusOptions()
                .setHost(own.bindText())
                .setPort(0)
                .setClusterPublicHost(own.dialled().getHostAddress());
        Vertx clustered = joined.awaitVertx(vertxOptions);
        vertx = clustered;
        progress.waitsFor("the store, to listen on it", "");
        muster = await(Muster.start(clustered, options));
        join(priming);
    }

    /** Rehearses the operations of the store on a map of its own, in a process that is up and has time. Blocks. */
    public int primeStore(MusterOptions options, Duration budget) {
        ClusterMember joined = started(member);
        return await(joined.primeStore(vertx(), options, budget));
    }

    private static void prime(MusterOptions options) {
        try {
            LOG.debug(LogEvents.PRIME_DONE + " rounds={}", Muster.primeBlocking(options));
        } catch (RuntimeException e) {
            LOG.info(LogEvents.PRIME_FAILED + " reason={} the first group connects more slowly", e.toString());
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    public Vertx vertx() {
        return started(vertx);
    }

    public Muster muster() {
        return started(muster);
    }

    public ControlAddress controlAddress() {
        return controlPort.address();
    }

    /** What this process will join; null once it has begun, or if there is nothing. */
    private @Nullable Joining notBegun(@Nullable Muster running) {
        Joining will = joining;
        return will != null && running != null && running.diagnostics().groups().contains(new GroupName(will.group()))
                ? null
                : will;
    }

    private CompletionStage<JsonObject> status(JsonObject request) {
        Muster running = muster;
        Joining will = notBegun(running);
        @Nullable JsonObject joins = will == null ? null : will.toJson();
        @Nullable String asked = request.getString("group");
        if (running == null || (will != null && will.group().equals(asked))) {
            return CompletableFuture.completedFuture(new JsonObject()
                    .put("pid", ProcessHandle.current().pid())
                    .put("starting", running == null)
                    .put("waitsFor", running == null ? progress.text() : "")
                    .put("joins", joins)
                    .put("groups", new JsonArray()));
        }
        return pictures(running, asked)
                .thenApply(pictures -> new JsonObject()
                        .put("pid", ProcessHandle.current().pid())
                        .put("starting", false)
                        .put("joins", joins)
                        .put("groups", new JsonArray(pictures))
                        .put("gpuPaths", running.diagnostics().gpuPaths().toJson()));
    }

    /** The status of the group, with what processes say that are not in the cluster yet. */
    public CompletionStage<List<JsonObject>> pictures(String group) {
        return pictures(muster(), group);
    }

    private CompletionStage<List<JsonObject>> pictures(Muster running, @Nullable String group) {
        return running.diagnostics()
                .status(group)
                .map(groups ->
                        groups.stream().map(Diagnostics.GroupStatus::toJson).toList())
                .toCompletionStage()
                .thenCompose(pictures -> pictures.stream()
                                .allMatch(picture ->
                                        picture.getJsonArray("missing").isEmpty())
                        ? CompletableFuture.completedFuture(pictures)
                        : CompletableFuture.supplyAsync(() -> explained(pictures), VIRTUAL));
    }

    private List<JsonObject> explained(List<JsonObject> pictures) {
        for (JsonObject picture : pictures) {
            Set<Integer> unpublished = picture.getJsonArray("missing").stream()
                    .map(JsonObject.class::cast)
                    .filter(row -> Phase.NEVER_PUBLISHED.name().equals(row.getString("phase")))
                    .map(row -> row.getInteger("rank"))
                    .collect(Collectors.toSet());
            Map<Integer, String> remedies = remedies(picture.getString("group"), unpublished);
            picture.getJsonArray("missing").forEach(one -> {
                JsonObject row = (JsonObject) one;
                String remedy = remedies.get(row.getInteger("rank"));
                if (remedy != null) {
                    row.put("whatToDo", remedy);
                }
            });
        }
        return pictures;
    }

    /** By rank: what its process says that has not come as far as the store of this one. Blocks. */
    private Map<Integer, String> remedies(String group, Set<Integer> unpublished) {
        AbsentProcesses asked = absent;
        return asked == null ? Map.of() : asked.remedies(group, unpublished);
    }

    /** The report with what processes say that are not in the cluster yet. */
    public CompletionStage<StuckReport> explained(StuckReport report) {
        return CompletableFuture.supplyAsync(
                () -> report.with(remedies(
                        report.group().value(),
                        report.missing().stream()
                                .filter(one -> one.phase() == Phase.NEVER_PUBLISHED)
                                .map(StuckReport.Missing::rank)
                                .collect(Collectors.toSet()))),
                VIRTUAL);
    }

    private JsonObject about() {
        Joining will = joining;
        return AbsentProcesses.about(
                processId.toString(),
                will == null ? "" : will.group(),
                will == null ? List.of() : will.ranks(),
                isStarting() ? progress.text() : "");
    }

    public boolean isStarting() {
        return muster == null;
    }

    /** What the start waits for, since when and why. */
    public String waitsFor() {
        return progress.text();
    }

    /** Says which ranks this process will join, so that a status that is asked before shows it. */
    public void joins(String group, List<Integer> ranks) {
        joining = new Joining(group, List.copyOf(ranks));
    }

    /** Adds a request that the control port answers. */
    public void answer(String ask, Supplier<JsonObject> answer) {
        controlPort.handle(ask, _ -> CompletableFuture.completedFuture(answer.get()));
    }

    /** The resources that this process holds, and those that the cluster holds for all processes. */
    private JsonObject resources(boolean collect) {
        JsonObject resources = ProcessResources.now(collect);
        Muster running = muster;
        ClusterMember joined = member;
        Vertx clustered = vertx;
        if (running != null && joined != null && clustered != null) {
            resources
                    .mergeIn(running.diagnostics().holdings().toJson())
                    .put("deployments", clustered.deploymentIDs().size());
            joined.holdings()
                    .ifPresent(held -> resources
                            .put("storeEntries", held.storeEntries())
                            .put("busRegistrations", held.busRegistrations()));
        }
        return resources;
    }

    private CompletionStage<JsonObject> flightRecord(JsonObject request) {
        Muster running = muster;
        return running == null
                ? CompletableFuture.failedFuture(
                        MusterException.retry("pid " + ProcessHandle.current().pid()
                                + " is starting: it is not in a cluster yet and has no flight record "
                                + "('muster status' shows what it waits for)"))
                : CompletableFuture.completedFuture(
                        running.diagnostics().flightRecord().toJson());
    }

    /**
     * Writes the flight record into its folder before the process ends, if Muster has started. The end begins with it:
     * it takes its time from {@code shutdown.timeoutMs}.
     */
    public synchronized void dumpFlightRecord(String why) {
        Muster running = muster;
        if (running != null) {
            quietly("the flight record", running.diagnostics().dumpFlightRecord(why));
        }
    }

    /**
     * Leaves every group and the cluster in order. All of it takes {@code shutdown.timeoutMs} at most, whatever the
     * cluster does: a step that is late is abandoned, and those after it are begun, but not waited for. Idempotent.
     */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        Muster running = muster;
        if (running != null) {
            quietly("Muster", running.close());
        }
        Vertx clustered = vertx;
        if (clustered != null) {
            quietly("Vert.x", clustered.close());
        }
        ClusterMember joined = member;
        Promise<Void> left = Promise.promise();
        // blocks while another member is asked that does not answer; a daemon, so that the JVM ends without it
        Thread.ofPlatform().daemon().name("muster-leave").start(() -> {
            try {
                if (joined == null) {
                    controlPort.close();
                } else {
                    joined.close();
                }
                left.complete();
            } catch (RuntimeException e) {
                left.fail(e);
            }
        });
        quietly("the cluster", left.future());
    }

    /** Waits for a step of the end, for the time that is left. */
    private void quietly(String step, Future<?> closing) {
        if (endNanos == Long.MIN_VALUE) {
            endNanos = System.nanoTime() + budget.toNanos();
        }
        try {
            closing.toCompletionStage()
                    .toCompletableFuture()
                    .get(Math.max(0, endNanos - System.nanoTime()), TimeUnit.NANOSECONDS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } catch (TimeoutException _) {
            LOG.warn(
                    LogEvents.CLOSE_INCOMPLETE + " step=\"{}\" ms={}: the process ends without it",
                    step,
                    budget.toMillis());
        } catch (ExecutionException e) {
            LOG.warn(LogEvents.CLOSE_INCOMPLETE + " step=\"{}\" reason={}", step, String.valueOf(e.getCause()));
        }
    }

    /** Returns the result or throws the failure. Blocks. */
    static <T> T await(Future<T> future) {
        return future.await();
    }

    private static <T> T started(@Nullable T part) {
        if (part == null) {
            throw new IllegalStateException("not started");
        }
        return part;
    }
}
