// SPDX-License-Identifier: Apache-2.0

package io.muster.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.cli.MusterCommand;
import io.vertx.core.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Faults of a seeded schedule on real processes: exactly the ranks that a fault hit may be named. The long form is
 * {@code muster soak}.
 */
@Timeout(240)
class ChaosIT {
    @TempDir
    private Path temp;

    @BeforeAll
    @Timeout(300) // recording the start takes much processor time, once after a build
    static void record() throws Exception {
        MusterCommand.recordTheStart();
    }

    // P-9, P-10, P-11, B-4, B-6, R-8, R-13: the first two faults of each seed are known, further ones come as time
    // allows
    @ParameterizedTest
    @CsvSource({"7, 5, stop, restart", "35, 9, kill, short-stop"})
    void everyFaultIsBlamedRightAndNoOtherRank(long seed, String seconds, String first, String second)
            throws Exception {
        try (MusterCommand demo = MusterCommand.start(
                temp, "demo", "--ranks", "3", "--chaos", String.valueOf(seed), "--seconds", seconds, "--json")) {
            int code = demo.awaitExit(220_000);

            List<JsonObject> faults = demo.events("fault");
            JsonObject outcome = demo.events("outcome").getLast();
            assertThat(code).as(demo::toString).isZero();
            assertThat(faults)
                    .extracting(fault -> fault.getString("kind"))
                    .as("the faults happened")
                    .startsWith(first);
            assertThat(outcome.getInteger("faults")).isEqualTo(faults.size());
            assertThat(outcome.getInteger("wrongAccusations")).isZero();
            assertThat(outcome.getInteger("blamedRight")).isEqualTo(faults.size());
            assertThat(outcome.getBoolean("allConnected")).isTrue();
            if (faults.size() > 1) {
                assertThat(faults.get(1).getString("kind")).isEqualTo(second);
            }
        }
        try (Stream<Path> left = Files.list(temp)) {
            assertThat(left).isEmpty();
        }
    }

    @Test
    void refusesAGroupOfTwoProcesses() throws Exception {
        try (MusterCommand demo = MusterCommand.start(temp, "demo", "--ranks", "2", "--chaos", "1")) {
            assertThat(demo.awaitExit()).isEqualTo(2);
            assertThat(demo.err()).contains("faults need 3 to 64 processes");
        }
    }
}
