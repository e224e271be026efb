// SPDX-License-Identifier: Apache-2.0

package io.muster.gpucheck;

import io.muster.cuda.CudaFacts;
import io.muster.cuda.CudaProbe;
import io.muster.launch.ExitCode;
import io.vertx.core.json.JsonObject;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code muster gpu-check}. */
@Command(
        name = "gpu-check",
        description = "Measures the fabric probe on this host's GPUs, and checks that cycles of shared memory, from "
                + "allocation to close, leave nothing open. Then starts processes with a GPU each, which "
                + "connect, write into each other's memory, and are killed. Exit code 0 if all parts pass or "
                + "there is no GPU, 1 if a part fails or leaves something open.",
        mixinStandardHelpOptions = true)
public final class GpuCheckCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Option(
            names = "--cycles",
            paramLabel = "N",
            defaultValue = "1000",
            description = "open and close cycles per device (default: ${DEFAULT-VALUE})")
    private int cycles;

    @Option(names = "--alone", description = "run only the parts that need one process")
    private boolean alone;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "settings file of the processes, in the form of conf/muster.yaml")
    private @Nullable Path config;

    @Option(names = "--json", description = "print one JSON object on standard output, and nothing else")
    private boolean json;

    @Override
    public Integer call() {
        if (cycles < 1) {
            throw new ParameterException(spec.commandLine(), "--cycles must be at least 1, got " + cycles);
        }
        long start = System.nanoTime();
        CudaFacts facts = CudaProbe.probe();
        JsonObject result = GpuCheck.run(facts, (System.nanoTime() - start) / 1000, cycles);
        if (facts instanceof CudaFacts.Devices(var _, List<CudaFacts.Device> devices) && !alone) {
            var across = new GpuAcross(devices.size(), cycles, config);
            result.put("at", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString())
                    .put("processes", across.run())
                    .put("failures", across.failures());
            if (!across.failures().isEmpty()) {
                result.put("gpuCheck", "failed")
                        .put(
                                "reason",
                                String.join(
                                        "; ",
                                        across.failures().stream()
                                                .map(String::valueOf)
                                                .toList()));
            }
        }
        PrintWriter out = spec.commandLine().getOut();
        out.print(json ? result.encode() + System.lineSeparator() : GpuCheck.text(result));
        out.flush();
        return "failed".equals(result.getString("gpuCheck")) ? ExitCode.FAILED : ExitCode.OK;
    }
}
