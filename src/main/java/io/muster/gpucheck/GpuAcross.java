// SPDX-License-Identifier: Apache-2.0

package io.muster.gpucheck;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What {@code gpu-check} does with several processes. */
final class GpuAcross {
    private static final long GIB = 1L << 30;
    private static final int ROUNDS = 7;

    private final int devices;
    private final int cycles;
    private final JsonArray failures = new JsonArray();

    GpuAcross(int devices, int cycles) {
        this.devices = devices;
        this.cycles = cycles;
    }

    /** Why parts failed. */
    JsonArray failures() {
        return failures;
    }

    /** Two processes, and four where there are so many GPUs. */
    JsonObject run() {
        var result = new JsonObject();
        two(result);
        asleep(result);
        inGpuMemory(result, 2);
        poisoned(result);
        isolated(result);
        if (devices >= 4) {
            four(result);
            inGpuMemory(result, 4);
        }
        List<Integer> worlds = devices >= 4 ? List.of(2, 4) : devices >= 2 ? List.of(2) : List.of();
        for (int world : worlds) {
            GpuFleet.part(result, failures, "nccl" + world, () -> NcclPhases.run(world));
        }
        return result;
    }

    private void two(JsonObject result) {
        try (var fleet = new GpuFleet(2, devices, List.of("--warmup", "exchange"))) {
            GpuFleet.part(result, failures, "start2", fleet::start);
            GpuFleet.part(result, failures, "connect2", () -> fleet.connect(ROUNDS));
            GpuFleet.part(result, failures, "register", () -> fleet.register(GIB + (16 << 20)));
            GpuFleet.part(result, failures, "allPairs2", fleet::allPairs);
            GpuFleet.part(result, failures, "early", fleet::early);
            GpuFleet.part(result, failures, "fromHost", () -> fleet.one(1, "from-host", 0, new JsonObject()));
            GpuFleet.part(result, failures, "given", fleet::given);
            GpuFleet.part(result, failures, "visible", fleet::visible);
            GpuFleet.part(result, failures, "waits", () -> fleet.one(1, "waits", 0, new JsonObject()));
            GpuFleet.part(
                    result,
                    failures,
                    "transfers",
                    () -> fleet.one(1, "measure", 0, new JsonObject().put("maxBytes", GIB)));
            GpuFleet.part(result, failures, "outOfMemory", () -> fleet.one(1, "out-of-memory", 0, new JsonObject()));
            GpuFleet.part(result, failures, "cycles", () -> fleet.cycles(cycles));
            GpuFleet.part(result, failures, "kill", fleet::kill);
        }
    }

    /** The same copies where no GPU's thread looks for their ends: what that spares, and what it costs. */
    private void asleep(JsonObject result) {
        Path settings = null;
        try {
            settings = Files.writeString(Files.createTempFile("muster-gpu-check", ".yaml"), "gpu:\n  lookUs: 0\n");
            try (var fleet =
                    new GpuFleet(2, devices, List.of("--warmup", "exchange", "--config", settings.toString()))) {
                GpuFleet.part(result, failures, "startAsleep", fleet::start);
                GpuFleet.part(result, failures, "connectAsleep", () -> fleet.connect(1));
                GpuFleet.part(result, failures, "registerAsleep", () -> fleet.register(GIB));
                GpuFleet.part(result, failures, "allPairsAsleep", fleet::allPairs);
                GpuFleet.part(
                        result,
                        failures,
                        "transfersAsleep",
                        () -> fleet.one(1, "measure", 0, new JsonObject().put("maxBytes", GIB)));
            }
        } catch (IOException failure) {
            failures.add("asleep: " + failure);
        } finally {
            delete(settings);
        }
    }

    private static void delete(@Nullable Path file) {
        try {
            if (file != null) {
                Files.deleteIfExists(file);
            }
        } catch (IOException _) {
            // it is a few bytes among the temporary files
        }
    }

    /** The warmup in the memory of the GPUs, from GPU to GPU; the links are touched again meanwhile. */
    private void inGpuMemory(JsonObject result, int processes) {
        try (var fleet = new GpuFleet(processes, devices, List.of("--warmup", "fabric"))) {
            GpuFleet.part(result, failures, "startFabric" + processes, fleet::start);
            GpuFleet.part(result, failures, "connectFabric" + processes, () -> fleet.connect(ROUNDS));
        }
    }

    /** Each process sees its own GPU and no other: by which way its bytes go then. */
    private void isolated(JsonObject result) {
        try (var fleet = new GpuFleet(2, devices, List.of("--warmup", "exchange"), true)) {
            GpuFleet.part(result, failures, "startIsolated", fleet::start);
            GpuFleet.part(result, failures, "connectIsolated", () -> fleet.connect(1));
            GpuFleet.part(result, failures, "registerIsolated", () -> fleet.register(64 << 20));
            GpuFleet.part(result, failures, "isolated", () -> fleet.allPairs().put("paths", fleet.paths(1)));
        }
    }

    private void poisoned(JsonObject result) {
        try (var fleet = new GpuFleet(2, devices, List.of("--warmup", "exchange"))) {
            GpuFleet.part(result, failures, "startAgain", fleet::start);
            GpuFleet.part(result, failures, "connectAgain", () -> fleet.connect(1));
            GpuFleet.part(result, failures, "registerAgain", () -> fleet.register(64 << 20));
            GpuFleet.part(result, failures, "poison", () -> fleet.one(1, "poison", 0, new JsonObject()));
        }
    }

    private void four(JsonObject result) {
        try (var fleet = new GpuFleet(4, devices, List.of("--warmup", "exchange"))) {
            GpuFleet.part(result, failures, "start4", fleet::start);
            GpuFleet.part(result, failures, "connect4", () -> fleet.connect(ROUNDS));
            GpuFleet.part(result, failures, "register4", () -> fleet.register(64 << 20));
            GpuFleet.part(result, failures, "allPairs4", fleet::allPairs);
        }
    }
}
