// SPDX-License-Identifier: Apache-2.0

package io.muster.gpucheck;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The parts of {@code gpu-check} that need several processes. */
final class GpuAcross {
    private static final long GIB = 1L << 30;
    private static final int ROUNDS = 7;

    private final int devices;
    private final int cycles;
    private final @Nullable Path config;
    private final JsonArray failures = new JsonArray();

    /** @param config settings file of the processes; null for the defaults */
    GpuAcross(int devices, int cycles, @Nullable Path config) {
        this.devices = devices;
        this.cycles = cycles;
        this.config = config;
    }

    private GpuFleet fleet(int processes, String warmup, boolean isolated) {
        List<String> settings = new ArrayList<>(List.of("--warmup", warmup));
        if (config != null) {
            settings.addAll(List.of("--config", config.toString()));
        }
        return new GpuFleet(processes, devices, settings, isolated);
    }

    /** The failed parts, each with its reason. */
    JsonArray failures() {
        return failures;
    }

    /** Runs all parts with two processes, then with four if there are four GPUs. */
    JsonObject run() {
        var result = new JsonObject();
        two(result);
        inGpuMemory(result, 2);
        poisoned(result);
        isolated(result);
        if (devices >= 4) {
            four(result);
            inGpuMemory(result, 4);
        }
        return result;
    }

    private void two(JsonObject result) {
        try (var fleet = fleet(2, "exchange", false)) {
            GpuFleet.part(result, failures, "start2", fleet::start);
            GpuFleet.part(result, failures, "connect2", () -> fleet.connect(ROUNDS));
            GpuFleet.part(result, failures, "register", () -> fleet.register(GIB + (16 << 20)));
            GpuFleet.part(result, failures, "allPairs2", fleet::allPairs);
            GpuFleet.part(result, failures, "early", fleet::early);
            GpuFleet.part(result, failures, "fromHost", () -> fleet.one(1, "from-host", 0, new JsonObject()));
            GpuFleet.part(result, failures, "given", fleet::given);
            GpuFleet.part(result, failures, "visible", fleet::visible);
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

    /** Links that warm up from GPU to GPU, and are touched again after that. */
    private void inGpuMemory(JsonObject result, int processes) {
        try (var fleet = fleet(processes, "fabric", false)) {
            GpuFleet.part(result, failures, "startFabric" + processes, fleet::start);
            GpuFleet.part(result, failures, "connectFabric" + processes, () -> fleet.connect(ROUNDS));
        }
    }

    /** Each process sees its own GPU only; reports the paths that its transfers then use. */
    private void isolated(JsonObject result) {
        try (var fleet = fleet(2, "exchange", true)) {
            GpuFleet.part(result, failures, "startIsolated", fleet::start);
            GpuFleet.part(result, failures, "connectIsolated", () -> fleet.connect(1));
            GpuFleet.part(result, failures, "registerIsolated", () -> fleet.register(64 << 20));
            GpuFleet.part(result, failures, "isolated", () -> fleet.allPairs().put("paths", fleet.paths(1)));
        }
    }

    private void poisoned(JsonObject result) {
        try (var fleet = fleet(2, "exchange", false)) {
            GpuFleet.part(result, failures, "startAgain", fleet::start);
            GpuFleet.part(result, failures, "connectAgain", () -> fleet.connect(1));
            GpuFleet.part(result, failures, "registerAgain", () -> fleet.register(64 << 20));
            GpuFleet.part(result, failures, "poison", () -> fleet.one(1, "poison", 0, new JsonObject()));
        }
    }

    private void four(JsonObject result) {
        try (var fleet = fleet(4, "exchange", false)) {
            GpuFleet.part(result, failures, "start4", fleet::start);
            GpuFleet.part(result, failures, "connect4", () -> fleet.connect(ROUNDS));
            GpuFleet.part(result, failures, "register4", () -> fleet.register(64 << 20));
            GpuFleet.part(result, failures, "allPairs4", fleet::allPairs);
        }
    }
}
