// SPDX-License-Identifier: Apache-2.0

package io.muster.gpucheck;

import io.muster.JoinedRank;
import io.muster.PreparedRank;
import io.muster.cluster.ControlAddress;
import io.muster.group.AllConnected;
import io.muster.group.GpuSlice;
import io.muster.launch.EventWriter;
import io.muster.launch.ExitCode;
import io.muster.launch.LaunchedProcess;
import io.muster.launch.ProcessSettings;
import io.muster.options.GroupOptions;
import io.muster.options.MusterOptions;
import io.vertx.core.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * One process of {@code gpu-check}: one rank with one GPU. Reads commands as JSON lines from standard input, and writes
 * their results to standard output.
 */
@Command(name = "gpu-worker", hidden = true, description = "One process of gpu-check.")
public final class GpuWorkerCommand implements Callable<Integer> {
    static final String GROUP = "gpu-check";
    private static final String NOT_JOINED = "the group is not joined yet";
    /** Ends a measurement in which a process hangs. */
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @Option(names = "--members", required = true)
    private String members = "";

    @Option(names = "--rank", required = true)
    private int rank;

    @Option(names = "--world-size", required = true)
    private int worldSize;

    @Option(names = "--device", required = true)
    private int device;

    @Mixin
    private ProcessSettings settings = new ProcessSettings();

    private final EventWriter out = new EventWriter(System.out, true);

    @Override
    public Integer call() throws IOException {
        long startNanos = System.nanoTime();
        MusterOptions options = settings.read();
        try (LaunchedProcess process = LaunchedProcess.open(options)) {
            process.start(options, ControlAddress.parseList(members));
            out.event("up", new JsonObject().put("startMs", (System.nanoTime() - startNanos) / 1_000_000));
            serve(process);
        }
        return ExitCode.OK;
    }

    private void serve(LaunchedProcess process) throws IOException {
        JoinedRank joined = null;
        PreparedRank prepared = null;
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            var command = new JsonObject(line);
            String what = command.getString("do");
            try {
                switch (what) {
                    case "prepare" -> {
                        long start = System.nanoTime();
                        prepared = process.muster()
                                .prepare(GroupOptions.of(GROUP, rank, worldSize)
                                        .gpuSegment(GpuMeasure.EARLY, device, GpuMeasure.EARLY_BYTES))
                                .await();
                        out.event("prepared", new JsonObject().put("ms", GpuMeasure.millis(System.nanoTime() - start)));
                    }
                    case "publish" -> {
                        joined = publish(command, Objects.requireNonNull(prepared, "not prepared yet"));
                    }
                    case "register" -> register(command, Objects.requireNonNull(joined, NOT_JOINED));
                    case "unregister" -> {
                        Objects.requireNonNull(joined, NOT_JOINED)
                                .unregister(command.getString("name"))
                                .await();
                        out.event("unregistered", new JsonObject());
                    }
                    case "paths" ->
                        out.event(
                                "paths-done",
                                process.muster().diagnostics().gpuPaths().toJson());
                    case "leave" -> {
                        Objects.requireNonNull(joined, NOT_JOINED).leave().await();
                        out.event("left", new JsonObject());
                    }
                    default -> out.event(what + "-done", new GpuMeasure(joined, device, out).run(what, command));
                }
            } catch (RuntimeException failure) {
                out.event("failed", new JsonObject().put("reason", what + ": " + failure.getMessage()));
            }
        }
    }

    private JoinedRank publish(JsonObject command, PreparedRank prepared) {
        while (System.nanoTime() < command.getLong("atNanos", 0L)) {
            Thread.onSpinWait();
        }
        long start = System.nanoTime();
        JoinedRank joined = prepared.publish().await();
        AllConnected all = joined.allConnected(LIMIT).await();
        long know = System.nanoTime();
        var links = new JsonObject();
        all.links().forEach((proof, count) -> links.put(proof.text(), count));
        out.event(
                "connected",
                new JsonObject()
                        .put("publishNanos", start)
                        .put("knowNanos", know)
                        .put("proofs", links));
        return joined;
    }

    private void register(JsonObject command, JoinedRank joined) {
        long start = System.nanoTime();
        GpuSlice slice = joined.registerGpu(command.getString("name"), device, command.getLong("bytes"))
                .await();
        out.event(
                "registered",
                new JsonObject()
                        .put("ms", GpuMeasure.millis(System.nanoTime() - start))
                        .put("address", slice.address()));
    }
}
