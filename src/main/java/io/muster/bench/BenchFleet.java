// SPDX-License-Identifier: Apache-2.0

package io.muster.bench;

import io.muster.launch.BenchChild;
import io.muster.launch.FreePorts;
import io.muster.launch.RankList;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The processes of {@code bench connect} and the steps of each mode. All times are of the host's one monotonic clock.
 */
final class BenchFleet implements AutoCloseable {
    private static final String LOOPBACK = "127.0.0.1";
    /** Ends a measurement in which a process hangs. */
    private static final Duration LIMIT = Duration.ofMinutes(2);
    /** The command to publish is sent this long in advance, so that it has reached every process when it is due. */
    private static final long AHEAD_NANOS = 60_000_000;
    /** Pause between two rounds, until the connections of the last one are closed at both ends. */
    private static final long SETTLE_MS = 400;
    /**
     * Pause after a start, until the cluster has moved its partitions to the new members and the processes are idle.
     */
    private static final long IDLE_MS = 4_000;

    private final int processes;
    private final int worldSize;
    private final Duration prime;
    private final List<Integer> ports;
    private final List<List<Integer>> seats;
    private final List<BenchChild> children = new ArrayList<>();
    private final @Nullable BenchSecret secret;
    private final Thread hook =
            Thread.ofPlatform().unstarted(() -> List.copyOf(children).forEach(BenchChild::kill));

    /**
     * @param prime how long each process that {@link #start} starts rehearses before it is up; zero: as long as
     *     {@code run} does
     * @param secret of all groups; null if they have none
     */
    BenchFleet(int processes, int worldSize, Duration prime, @Nullable BenchSecret secret) {
        this.secret = secret;
        this.processes = processes;
        this.worldSize = worldSize;
        this.prime = prime;
        this.seats = RankList.blocks(worldSize, processes);
        this.ports = FreePorts.choose(processes, new Random());
        Runtime.getRuntime().addShutdownHook(hook);
    }

    BenchFleet(int processes, int worldSize, Duration prime) {
        this(processes, worldSize, prime, null);
    }

    /** Starts all processes and waits until they are in the cluster. */
    void start() {
        for (int process = 0; process < processes; process++) {
            children.add(child(
                    process, prime.isZero() ? List.of() : List.of("--prime-ms", Long.toString(prime.toMillis()))));
        }
        children.forEach(child -> child.expect("up", LIMIT.plus(prime)));
        children.forEach(child -> child.send(new JsonObject().put("do", "greet")));
        pause(IDLE_MS);
    }

    /**
     * Prepares all ranks, then publishes all of them at once. The time counts from the last publish. Afterwards all
     * ranks leave the group, which closes its connections.
     */
    BenchRounds.Round hot(String group) {
        for (int process = 0; process < processes; process++) {
            children.get(process).send(command("prepare", group).put("ranks", ranksOf(process)));
        }
        children.forEach(child -> child.expect("prepared", LIMIT));
        pause(SETTLE_MS);
        long cpuNanos = cpuNanos();
        JsonObject publish = command("publish", group).put("atNanos", System.nanoTime() + AHEAD_NANOS);
        for (int process = 0; process < processes; process++) {
            children.get(process).send(publish.copy().put("ranks", ranksOf(process)));
        }
        BenchRounds.Round round = round(connected()).cpu(cpuNanos() - cpuNanos);
        leave(group);
        return round;
    }

    /** Processor time of all processes since their start; the system counts it in steps of 10 ms. */
    private long cpuNanos() {
        return children.stream().mapToLong(child -> child.cpu().toNanos()).sum();
    }

    /**
     * All ranks but one publish and wait, then that one publishes. It is another rank in each round.
     *
     * @param inOneGo the late rank is not prepared
     */
    BenchRounds.Round late(String group, int number, Duration waiting, boolean inOneGo) {
        int late = Math.floorMod(worldSize - 1 - number, worldSize);
        int lateProcess = IntStream.range(0, processes)
                .filter(process -> seats.get(process).contains(late))
                .findFirst()
                .orElseThrow();
        for (int process = 0; process < processes; process++) {
            children.get(process)
                    .send(command("prepare", group).put("ranks", inOneGo ? ranksBut(late, process) : ranksOf(process)));
        }
        children.forEach(child -> child.expect("prepared", LIMIT));
        for (int process = 0; process < processes; process++) {
            children.get(process).send(command("publish", group).put("ranks", ranksBut(late, process)));
        }
        pause(waiting.toMillis());
        children.get(lateProcess).send(command("publish", group).put("ranks", new JsonArray().add(late)));
        List<JsonObject> reports = new ArrayList<>(connected());
        reports.add(children.get(lateProcess).expect("connected", LIMIT));
        BenchRounds.Round round = round(reports);
        leave(group);
        return round;
    }

    /** Connects the group that {@link #restart} or {@link #transfer} needs. */
    void form(String group) {
        for (int process = 0; process < processes; process++) {
            children.get(process).send(command("prepare", group).put("ranks", ranksOf(process)));
        }
        children.forEach(child -> child.expect("prepared", LIMIT));
        for (int process = 0; process < processes; process++) {
            children.get(process).send(command("publish", group).put("ranks", ranksOf(process)));
        }
        connected();
    }

    /** Kills another process in each round, beginning with the last one, and starts a new one in its place. */
    BenchRounds.Round restart(String group, int number) {
        int victim = Math.floorMod(processes - 1 - number, processes);
        List<BenchChild> others = new ArrayList<>(children);
        others.remove(victim);
        pause(2_000);
        List.of("degraded-local", "degraded-cluster").forEach(event -> others.forEach(child -> child.forget(event)));
        long killedNanos = System.nanoTime();
        children.get(victim).kill();
        long localNanos = last(others, "degraded-local") - killedNanos;
        long clusterNanos = last(others, "degraded-cluster") - killedNanos;
        children.get(victim).close();
        others.forEach(child -> child.send(command("await", group)));
        BenchChild next = child(victim, List.of());
        children.set(victim, next);
        next.expect("up", LIMIT);
        next.send(command("prepare", group).put("ranks", ranksOf(victim)));
        next.expect("prepared", LIMIT);
        pause(SETTLE_MS);
        next.send(command("publish", group).put("ranks", ranksOf(victim)));
        return round(connected()).degraded(localNanos, clusterNanos);
    }

    /** Rank 0 writes into the memory of rank 1, which is in the other process. */
    JsonObject transfer(String group) {
        form(group);
        children.getFirst().send(command("transfer", group));
        return children.getFirst().expect("transferred", LIMIT);
    }

    private static long last(List<BenchChild> children, String event) {
        return children.stream()
                .mapToLong(child -> child.expect(event, LIMIT).getLong("atNanos"))
                .max()
                .orElseThrow();
    }

    /** Starts all processes, which publish as soon as they can. The time counts from the start of the last process. */
    BenchRounds.Round cold(String group) {
        long startedNanos = 0;
        for (int process = 0; process < processes; process++) {
            startedNanos = System.nanoTime();
            children.add(child(
                    process,
                    List.of(
                            "--group",
                            group,
                            "--ranks",
                            seats.get(process).stream().map(String::valueOf).collect(Collectors.joining(",")),
                            "--world-size",
                            Integer.toString(worldSize))));
        }
        List<JsonObject> reports = connected();
        Map<BenchRounds.Phase, Long> ends = ends(reports);
        ends.put(
                BenchRounds.Phase.START,
                reports.stream()
                        .mapToLong(report -> report.getLong("publishCallNanos"))
                        .max()
                        .orElseThrow());
        closeChildren();
        return BenchRounds.Round.of(startedNanos, ends);
    }

    private List<JsonObject> connected() {
        return children.stream().map(child -> child.expect("connected", LIMIT)).toList();
    }

    private void leave(String group) {
        children.forEach(child -> child.send(command("leave", group)));
        children.forEach(child -> child.expect("left", LIMIT));
    }

    private static BenchRounds.Round round(List<JsonObject> reports) {
        long from = reports.stream()
                .mapToLong(report -> report.getLong("publishCallNanos", Long.MIN_VALUE))
                .max()
                .orElseThrow();
        return BenchRounds.Round.of(from, ends(reports));
    }

    private static Map<BenchRounds.Phase, Long> ends(List<JsonObject> reports) {
        Map<BenchRounds.Phase, Long> ends = new EnumMap<>(BenchRounds.Phase.class);
        for (BenchRounds.Phase phase : BenchRounds.Phase.values()) {
            var times = reports.stream()
                    .map(report -> report.getLong(phase.text()))
                    .filter(time -> time != null && time != 0)
                    .mapToLong(Long::longValue);
            (phase == BenchRounds.Phase.COMPLETE ? times.min() : times.max()).ifPresent(end -> ends.put(phase, end));
        }
        return ends;
    }

    private JsonObject command(String what, String group) {
        return new JsonObject().put("do", what).put("group", group).put("worldSize", worldSize);
    }

    private BenchChild child(int process, List<String> more) {
        List<String> arguments = new ArrayList<>(List.of(
                "--bind",
                LOOPBACK,
                "--hazelcast-port",
                "0",
                "--control-port",
                ports.get(process).toString(),
                "--members",
                ports.stream().map(port -> LOOPBACK + ":" + port).collect(Collectors.joining(","))));
        if (secret != null) {
            arguments.addAll(List.of("--secret-file", secret.file().toString()));
        }
        arguments.addAll(more);
        return BenchChild.start(arguments);
    }

    private JsonArray ranksOf(int process) {
        return new JsonArray(seats.get(process));
    }

    private JsonArray ranksBut(int one, int process) {
        return new JsonArray(
                seats.get(process).stream().filter(rank -> rank != one).toList());
    }

    private static void pause(long ms) {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void closeChildren() {
        List<Thread> closing = children.stream()
                .map(child -> Thread.ofVirtual().start(child::close))
                .toList();
        closing.forEach(thread -> {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        children.clear();
    }

    @Override
    public void close() {
        closeChildren();
        Runtime.getRuntime().removeShutdownHook(hook);
    }
}
