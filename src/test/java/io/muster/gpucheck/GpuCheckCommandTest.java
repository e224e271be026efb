// SPDX-License-Identifier: Apache-2.0

package io.muster.gpucheck;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.muster.cuda.CudaFacts;
import io.muster.cuda.CudaProbe;
import io.vertx.core.json.JsonObject;
import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import picocli.CommandLine;

@Timeout(60)
class GpuCheckCommandTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... arguments) {
        return new CommandLine(new GpuCheckCommand())
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .execute(arguments);
    }

    @Test
    void skipsWithAReasonIfThereIsNoGpu() { // W-8
        assumeTrue(!(CudaProbe.probe() instanceof CudaFacts.Devices), "this host has GPUs");
        assertThat(run("--json")).isZero();
        JsonObject json = new JsonObject(out.toString());
        assertThat(json.getString("gpuCheck")).isEqualTo("skipped");
        assertThat(json.getString("reason")).isNotBlank();
    }

    @Test
    void printsOneLineWhenThereIsNothingToCheck() { // W-8
        assumeTrue(!(CudaProbe.probe() instanceof CudaFacts.Devices), "this host has GPUs");
        assertThat(run()).isZero();
        assertThat(out.toString()).startsWith("gpu-check: skipped, ").hasLineCount(1);
    }

    @Test
    void exitsWithCodeTwoForZeroCycles() {
        assertThat(run("--cycles", "0")).isEqualTo(2);
        assertThat(err.toString()).contains("--cycles must be at least 1, got 0");
    }
}
