// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.launch.ExitCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The deadline of {@code run} counts from the start of the command, in every phase. */
// N-3
@Timeout(120)
final class DeadlineIT {
    @TempDir
    private Path temp;

    @Test
    void theDeadlineEndsTheWaitForTheFounder() throws Exception {
        List<Integer> ports = MusterCommand.freePorts(4);
        try (MusterCommand waiting = MusterCommand.start(
                temp,
                "run",
                "--group",
                "g",
                "--rank",
                "1",
                "--world-size",
                "2",
                "--control-port",
                String.valueOf(ports.get(1)),
                "--hazelcast-port",
                String.valueOf(ports.get(2)),
                "--members",
                "127.0.0.1:" + ports.get(0) + ",127.0.0.1:" + ports.get(1),
                "--deadline",
                "8s")) {
            assertThat(waiting.awaitExit(40_000)).as(waiting::toString).isEqualTo(ExitCode.NOT_ALL_CONNECTED);
            assertThat(String.join("\n", waiting.out()))
                    .contains(
                            "not all connected within 8s",
                            "waits for the first listed process, which founds, at 127.0.0.1:" + ports.get(0),
                            "if it does not run, start it");
        }
    }

    @Test
    void withoutADeadlineARankWaitsForALateFounder() throws Exception {
        List<Integer> ports = MusterCommand.freePorts(4);
        Path settings = temp.resolve("muster.yaml");
        Files.writeString(settings, "barrier:\n  reportEveryMs: 700\n");
        try (MusterCommand early = rank(1, ports, settings)) {
            early.await("waiting", one -> one.getString("text").contains("the first listed process"));
            early.forgetEvents();
            early.await("waiting", one -> one.getString("text").contains("127.0.0.1:" + ports.get(0)));
            try (MusterCommand founder = rank(0, ports, settings)) {
                founder.allConnectedAfter(0);
                early.allConnectedAfter(0);
            }
        }
    }

    private MusterCommand rank(int rank, List<Integer> ports, Path settings) throws IOException {
        return MusterCommand.start(
                temp,
                "run",
                "--config",
                settings.toString(),
                "--group",
                "g",
                "--rank",
                String.valueOf(rank),
                "--world-size",
                "2",
                "--control-port",
                String.valueOf(ports.get(rank)),
                "--hazelcast-port",
                String.valueOf(ports.get(2 + rank)),
                "--members",
                "127.0.0.1:" + ports.get(0) + ",127.0.0.1:" + ports.get(1),
                "--json",
                "--while-stdin-open");
    }
}
