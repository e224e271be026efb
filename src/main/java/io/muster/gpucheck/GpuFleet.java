// SPDX-License-Identifier: Apache-2.0

package io.muster.gpucheck;

import io.muster.group.MusterException;
import io.muster.launch.BenchChild;
import io.muster.launch.FreePorts;
import io.muster.launch.JvmCommand;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * The processes of {@code gpu-check}, each with one rank and one GPU, and the measurements with them. A part that fails
 * is recorded as failed, and the others continue. All times are from the host's monotonic clock, which its processes
 * share.
 */
final class GpuFleet implements AutoCloseable {
    private static final String LOOPBACK = "127.0.0.1";
    /** Ends a measurement in which a process hangs. */
    private static final Duration LIMIT = Duration.ofSeconds(100);
    /** The command to publish is sent this long in advance, so that it has reached every process when it is due. */
    private static final long AHEAD_NANOS = 60_000_000;

    private static final long MIB = 1 << 20;
    /** Pause between two rounds, until the connections of the last one are closed at both ends. */
    private static final long SETTLE_MS = 300;

    private final int processes;
    private final int devices;
    private final List<String> settings;
    private final boolean isolated;
    private final List<Integer> ports;
    private final List<BenchChild> children = new ArrayList<>();

    /**
     * @param settings additional arguments of every process, such as {@code --warmup exchange}
     * @param isolated true if each process sees its own GPU only, as with many launchers
     */
    GpuFleet(int processes, int devices, List<String> settings, boolean isolated) {
        this.isolated = isolated;
        this.processes = processes;
        this.devices = devices;
        this.settings = List.copyOf(settings);
        this.ports = FreePorts.choose(processes, new Random());
    }

    private int deviceOf(int rank) {
        return rank % devices;
    }

    /** The device index of a rank's GPU in its own process. */
    private int ownNumber(int rank) {
        return isolated ? 0 : deviceOf(rank);
    }

    JsonObject start() {
        String members = ports.stream().map(port -> LOOPBACK + ":" + port).collect(Collectors.joining(","));
        for (int rank = 0; rank < processes; rank++) {
            List<String> arguments = new ArrayList<>(List.of(
                    "--bind",
                    LOOPBACK,
                    "--hazelcast-port",
                    "0",
                    "--control-port",
                    ports.get(rank).toString(),
                    "--members",
                    members,
                    "--rank",
                    Integer.toString(rank),
                    "--world-size",
                    Integer.toString(processes),
                    "--device",
                    Integer.toString(ownNumber(rank)),
                    "--gpu",
                    Integer.toString(ownNumber(rank))));
            arguments.addAll(settings);
            children.add(BenchChild.start(
                    JvmCommand.likeThisJvm(),
                    "gpu-worker",
                    arguments,
                    isolated ? Map.of("CUDA_VISIBLE_DEVICES", Integer.toString(deviceOf(rank))) : Map.of()));
        }
        return new JsonObject()
                .put(
                        "processStartMs",
                        all("up").stream()
                                .mapToLong(up -> up.getLong("startMs"))
                                .max()
                                .orElse(-1));
    }

    private List<JsonObject> all(String event) {
        return children.stream().map(child -> child.expect(event, LIMIT)).toList();
    }

    private static JsonObject command(String what) {
        return new JsonObject().put("do", what);
    }

    private void tellAll(JsonObject command) {
        children.forEach(child -> child.send(command));
    }

    /**
     * Prepares all ranks, publishes them together, and measures from the last publish until all ranks know that all are
     * connected. Repeats this for the given rounds, and leaves the group connected.
     */
    JsonObject connect(int rounds) {
        double[] times = new double[rounds];
        JsonObject last = new JsonObject();
        double prepareMs = 0;
        for (int round = 0; round < rounds; round++) {
            if (round > 0) {
                tellAll(command("leave"));
                all("left");
                pause(SETTLE_MS);
            }
            tellAll(command("prepare"));
            double prepared = all("prepared").stream()
                    .mapToDouble(one -> one.getDouble("ms"))
                    .max()
                    .orElse(-1);
            prepareMs = round == 0 ? prepared : prepareMs;
            pause(SETTLE_MS);
            tellAll(command("publish").put("atNanos", System.nanoTime() + AHEAD_NANOS));
            List<JsonObject> connected = all("connected");
            long from = connected.stream()
                    .mapToLong(one -> one.getLong("publishNanos"))
                    .max()
                    .orElseThrow();
            long to = connected.stream()
                    .mapToLong(one -> one.getLong("knowNanos"))
                    .max()
                    .orElseThrow();
            times[round] = GpuMeasure.millis(to - from);
            last = connected.getFirst();
        }
        double first = times[0];
        Arrays.sort(times);
        return new JsonObject()
                .put("processes", processes)
                .put("settings", String.join(" ", settings))
                .put("firstPrepareMs", prepareMs)
                .put("firstMs", first)
                .put("medianMs", times[rounds / 2])
                .put("rounds", rounds)
                .put("proofs", last.getJsonObject("proofs"));
    }

    JsonObject register(long bytes) {
        tellAll(command("register").put("name", GpuSpeed.SEGMENT).put("bytes", bytes));
        double ms = all("registered").stream()
                .mapToDouble(one -> one.getDouble("ms"))
                .max()
                .orElse(-1);
        pause(SETTLE_MS);
        return new JsonObject().put("bytes", bytes).put("ms", ms);
    }

    /** Runs one command in one process, against a peer. */
    JsonObject one(int rank, String what, int peer, JsonObject more) {
        children.get(rank)
                .send(command(what)
                        .put("peer", peer)
                        .put("peerDevice", deviceOf(peer))
                        .mergeIn(more));
        return children.get(rank).expect(what + "-done", LIMIT);
    }

    /** Transfers with GPU memory that was registered before the rank was published. */
    JsonObject early() {
        requireEqual(GpuMeasure.EARLY);
        return new JsonObject().put("bytes", GpuMeasure.EARLY_BYTES).put("equal", true);
    }

    /** Memory that process 0 allocated without Muster, written and read by process 1. */
    JsonObject given() {
        JsonObject given = one(0, "give", 0, new JsonObject());
        requireEqual(GpuMeasure.GIVEN);
        return given.put("equal", true).put("paths", paths(1));
    }

    private void requireEqual(String segment) {
        if (!one(1, "direct", 0, new JsonObject().put("segment", segment)).getBoolean("equal")) {
            throw MusterException.fatal("read other bytes than were written");
        }
    }

    /** The paths by which a process reaches the memory of others. */
    JsonObject paths(int rank) {
        JsonObject paths = one(rank, "paths", 0, new JsonObject());
        paths.remove("event");
        return paths;
    }

    /** Transfers between all pairs, in both directions. */
    JsonObject allPairs() {
        int right = 0;
        int wrong = 0;
        for (int rank = 0; rank < processes; rank++) {
            for (int peer = 0; peer < processes; peer++) {
                if (rank != peer) {
                    boolean equal = one(rank, "direct", peer, new JsonObject()).getBoolean("equal");
                    right += equal ? 1 : 0;
                    wrong += equal ? 0 : 1;
                }
            }
        }
        return new JsonObject().put("pairs", right + wrong).put("wrong", wrong);
    }

    /**
     * Process 1 writes a word from its GPU and sends a message. A kernel that process 0 launches after the message must
     * read the word.
     */
    JsonObject visible() {
        int wrong = 0;
        int rounds = 50;
        for (int i = 0; i < rounds; i++) {
            int written = one(1, "mark", 0, new JsonObject()).getInteger("value");
            wrong += one(0, "visible", 1, new JsonObject()).getInteger("value") == written ? 0 : 1;
        }
        return new JsonObject().put("rounds", rounds).put("wrong", wrong);
    }

    /**
     * Process 0 registers and unregisters memory, process 1 maps, writes and unmaps it, in the given number of cycles.
     */
    JsonObject cycles(int cycles) {
        turns(20);
        JsonObject ownerBefore = one(0, "usage", 0, new JsonObject());
        JsonObject mapperBefore = one(1, "usage", 0, new JsonObject());
        long start = System.nanoTime();
        turns(cycles);
        double ms = GpuMeasure.millis((System.nanoTime() - start) / cycles);
        return new JsonObject()
                .put("cycles", cycles)
                .put("msPerCycle", ms)
                .put("ownerBefore", ownerBefore)
                .put("ownerAfter", one(0, "usage", 0, new JsonObject()))
                .put("mapperBefore", mapperBefore)
                .put("mapperAfter", one(1, "usage", 0, new JsonObject()));
    }

    private void turns(int cycles) {
        BenchChild owner = children.get(0);
        BenchChild mapper = children.get(1);
        mapper.send(command("cycles").put("peer", 0).put("cycles", cycles));
        String last = null;
        for (int i = 0; i < cycles; i++) {
            String name = mapper.expect("want", LIMIT).getString("name");
            if (last != null) {
                unregister(owner, last);
            }
            owner.send(command("register").put("name", name).put("bytes", 2 * MIB));
            owner.expect("registered", LIMIT);
            last = name;
        }
        mapper.expect("cycles-done", LIMIT);
        if (last != null) {
            unregister(owner, last);
        }
    }

    private static void unregister(BenchChild owner, String name) {
        owner.send(command("unregister").put("name", name));
        owner.expect("unregistered", LIMIT);
    }

    /** kill -9 of process 0 while process 1 writes into its memory. */
    JsonObject kill() {
        children.get(1).send(command("hammer").put("peer", 0));
        children.get(1).expect("hammering", LIMIT);
        pause(1_000);
        long killedNanos = System.nanoTime();
        children.get(0).kill();
        JsonObject end = children.get(1).expect("hammer-done", LIMIT);
        end.put("msFromKillToFailure", GpuMeasure.millis(end.getLong("failedNanos") - killedNanos));
        return end;
    }

    private static void pause(long ms) {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw MusterException.fatal("interrupted while measuring");
        }
    }

    @Override
    public void close() {
        children.forEach(BenchChild::close);
    }

    /** Runs a part and adds its result, or the reason of its failure. */
    static void part(JsonObject result, JsonArray failures, String name, Supplier<JsonObject> part) {
        long start = System.nanoTime();
        try {
            JsonObject of = part.get();
            of.remove("event");
            result.put(name, of);
        } catch (RuntimeException failure) {
            failures.add(name + ": " + failure.getMessage());
            result.put(name, new JsonObject().put("failed", String.valueOf(failure.getMessage())));
        }
        System.err.println("gpu-check: " + name + " " + (System.nanoTime() - start) / 1_000_000 + " ms");
    }
}
