// SPDX-License-Identifier: Apache-2.0

package io.muster.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.cli.MusterCommand;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code muster bench connect}: the form and the sums of its output. A test can't judge the times themselves. */
@Timeout(90)
final class BenchIT {
    @TempDir
    private static Path temp;

    @BeforeAll
    @Timeout(300) // recording the start takes much processor time, once after a build
    static void recordTheStart() throws Exception {
        MusterCommand.recordTheStart();
    }

    @Test
    void reportsTheTimeAndThePhasesOfALateRank() throws Exception {
        JsonObject measured;
        try (MusterCommand bench = MusterCommand.start(
                temp,
                "bench",
                "connect",
                "--processes",
                "2",
                "--rounds",
                "2",
                "--mode",
                "late",
                "--waiting",
                "200ms",
                "--prime",
                "1s",
                "--json")) {
            assertThat(bench.awaitExit(80_000)).as(bench::toString).isZero();
            assertThat(bench.out()).as("one line").hasSize(1);
            measured = new JsonObject(bench.out().getFirst());
        }

        assertThat(measured.getMap())
                .containsEntry("bench", "connect")
                .containsEntry("mode", "late")
                .containsEntry("ranks", 2)
                .containsEntry("processes", 2)
                .containsEntry("rounds", 2)
                .containsEntry("secret", false);
        assertThat(measured.getDouble("firstMs")).isPositive();
        double median = measured.getDouble("medianMs");
        assertThat(median)
                .isPositive()
                .isEqualTo(measured.getDouble("minMs"))
                .isEqualTo(measured.getDouble("maxMs"))
                .isEqualTo(measured.getDouble("p90Ms"));
        JsonObject phases = measured.getJsonObject("phasesMs");
        assertThat(phases.fieldNames())
                .containsExactly("publish", "notice", "dial", "open", "warmup", "epoch", "mark", "complete", "know");
        double sum = phases.stream()
                .mapToDouble(phase -> ((Number) phase.getValue()).doubleValue())
                .sum();
        assertThat(sum).as("the phases of the one round that is not the first").isBetween(median - 0.1, median + 0.1);
    }
}
