// SPDX-License-Identifier: Apache-2.0

package io.muster.gpucheck;

import io.muster.group.MusterException;
import io.muster.launch.FreePorts;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/**
 * What PyTorch with NCCL needs until its first all-to-all is done, phase by phase, where {@code python3} has both. For
 * comparison only.
 */
final class NcclPhases {
    private static final long LIMIT_S = 120;

    private NcclPhases() {}

    static JsonObject run(int processes) {
        try {
            Path script = Files.createTempFile("muster-nccl", ".py");
            try (InputStream resource =
                    Objects.requireNonNull(NcclPhases.class.getResourceAsStream("/io/muster/cli/nccl-phases.py"))) {
                Files.write(script, resource.readAllBytes());
                return measured(script, processes);
            } finally {
                Files.deleteIfExists(script);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("python3 can't be started", e);
        }
    }

    private static JsonObject measured(Path script, int processes) throws IOException {
        String port = FreePorts.choose(1, new Random()).getFirst().toString();
        List<Process> all = new ArrayList<>();
        try {
            for (int rank = 0; rank < processes; rank++) {
                var command = new ProcessBuilder("python3", script.toString()).redirectErrorStream(false);
                command.redirectError(ProcessBuilder.Redirect.DISCARD);
                command.environment().put("RANK", Integer.toString(rank));
                command.environment().put("WORLD_SIZE", Integer.toString(processes));
                command.environment().put("MASTER_ADDR", "127.0.0.1");
                command.environment().put("MASTER_PORT", port);
                all.add(command.start());
            }
            var ranks = new JsonArray();
            for (Process one : all) {
                if (!one.waitFor(LIMIT_S, TimeUnit.SECONDS)) {
                    throw MusterException.retry("NCCL has not ended after " + LIMIT_S + " s");
                }
                String said = new String(one.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
                ranks.add(
                        said.startsWith("{")
                                ? new JsonObject(said)
                                : new JsonObject().put("skipped", said.isEmpty() ? "exit " + one.exitValue() : said));
            }
            return new JsonObject().put("processes", processes).put("ranks", ranks);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw MusterException.fatal("interrupted while measuring");
        } finally {
            all.forEach(Process::destroyForcibly);
        }
    }
}
