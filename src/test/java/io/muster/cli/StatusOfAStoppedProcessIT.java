// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.cluster.ControlAddress;
import io.muster.cluster.ControlClient;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The status while one process stands still, too shortly to be lost. */
// M-5
@Timeout(120)
final class StatusOfAStoppedProcessIT {
    private static final int WORLD = 3;

    @TempDir
    private static Path temp;

    @Test
    void onlyTheStoppedProcessGivesNoAnswer() throws Exception {
        List<Integer> ports = MusterCommand.freePorts(WORLD);
        String members = ports.stream().map(port -> "127.0.0.1:" + port).collect(Collectors.joining(","));
        List<MusterCommand> processes = new ArrayList<>();
        try {
            for (int rank = 0; rank < WORLD; rank++) {
                processes.add(MusterCommand.start(
                        temp,
                        "run",
                        "--group=g",
                        "--rank=" + rank,
                        "--world-size=" + WORLD,
                        "--members=" + members,
                        "--control-port=" + ports.get(rank),
                        "--hazelcast-port=0",
                        "--json"));
            }
            for (MusterCommand process : processes) {
                process.allConnectedAfter(0);
            }
            for (int round = 0; round < 3; round++) {
                int stopped = round;
                processes.get(stopped).signal("STOP");
                JsonObject status;
                try {
                    status = status(ports.get((stopped + 1) % WORLD));
                } finally {
                    processes.get(stopped).signal("CONT");
                }
                assertThat(status.getJsonArray("noAnswer").stream()
                                .map(one -> ((JsonObject) one).getJsonArray("ranks"))
                                .toList())
                        .as("round %d: %s", round, status)
                        .containsExactly(new JsonArray().add(stopped));
                assertThat(status.getInteger("processes")).isEqualTo(WORLD - 1);
            }
        } finally {
            processes.forEach(MusterCommand::close);
        }
    }

    private static JsonObject status(int port) {
        var asked = new ControlAddress("127.0.0.1", port);
        return ControlQuestion.body(
                        asked, ControlClient.ask(asked, new JsonObject().put("ask", "status"), Duration.ofSeconds(20)))
                .getJsonArray("groups")
                .getJsonObject(0);
    }
}
