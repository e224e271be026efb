// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.launch.ExitCode;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The deadline of {@code run} counts from the start of the command, in every phase. */
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
                "2500ms")) {
            assertThat(waiting.awaitExit(40_000)).as(waiting::toString).isEqualTo(ExitCode.NOT_ALL_CONNECTED);
            assertThat(String.join("\n", waiting.out()))
                    .contains(
                            "not all connected within 2500ms",
                            "waits for 127.0.0.1:" + ports.get(0),
                            "start that process");
        }
    }
}
