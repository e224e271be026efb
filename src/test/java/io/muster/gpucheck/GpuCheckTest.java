// SPDX-License-Identifier: Apache-2.0

package io.muster.gpucheck;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.cuda.CudaFacts;
import io.muster.cuda.driver.CudaFailure;
import io.muster.gpucheck.SharingCycles.Outcome;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class GpuCheckTest {
    private static final ProcessUsage BEFORE = new ProcessUsage(9_000_000, 700, 30);

    private static Outcome done(long freeAfter, ProcessUsage after) {
        return new Outcome.Done(50L << 30, freeAfter, BEFORE, after, List.of(), 900);
    }

    @Test
    void passesIfNothingGrows() { // P-14
        assertThat(GpuCheck.leavesNothing(done(50L << 30, BEFORE))).isTrue();
        assertThat(GpuCheck.leavesNothing(done(50L << 30, new ProcessUsage(9_001_000, 702, 29))))
                .as("the JVM's own")
                .isTrue();
    }

    @Test
    void failsIfCyclesLeaveSomethingOpen() { // P-14
        assertThat(GpuCheck.leavesNothing(done((50L << 30) - 1000 * (2L << 20), BEFORE)))
                .as("device memory")
                .isFalse();
        assertThat(GpuCheck.leavesNothing(done(50L << 30, new ProcessUsage(9_000_000 + 1000 * 2048, 700, 30))))
                .as("address space")
                .isFalse();
        assertThat(GpuCheck.leavesNothing(done(50L << 30, new ProcessUsage(9_000_000, 700, 31))))
                .as("a descriptor")
                .isFalse();
        assertThat(GpuCheck.leavesNothing(new Outcome.Failed("why"))).isFalse();
    }

    @Test
    void writesOneLinePerFact() {
        JsonObject result = new JsonObject()
                .put("gpuCheck", "ok")
                .put("devices", new JsonArray().add("NVIDIA H100"))
                .put("driverMicros", 1)
                .put("verdictFirstMicros", 2)
                .put("verdictAgainMicros", 3)
                .put("everythingMicros", 4)
                .put("findings", new JsonArray().add("device 0: fine"))
                .put("openClose", new JsonArray().add(new JsonObject().put("cycleMicros", 5)));
        assertThat(GpuCheck.text(result).lines())
                .containsExactly(
                        "gpu-check: ok",
                        "devices: [\"NVIDIA H100\"]",
                        "µs: to find them 1, for the verdict 2 (again 3), for everything 4",
                        "device 0: fine",
                        "open and close: {\"cycleMicros\":5}");
    }

    @Test
    void skipsWithoutAGpu() { // W-8
        assertThat(GpuCheck.run(new CudaFacts.NoDriver("no libcuda"), 1, 1000))
                .isEqualTo(new JsonObject().put("gpuCheck", "skipped").put("reason", "no CUDA driver: no libcuda"));
    }

    @Test
    void failsIfTheDriverFails() {
        CudaFailure failure = new CudaFailure("cuInit", OptionalInt.empty(), 999, "CUDA_ERROR_UNKNOWN");
        assertThat(GpuCheck.run(new CudaFacts.Failed(failure), 1, 1000).getString("gpuCheck"))
                .isEqualTo("failed");
    }
}
