// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.Eventually;
import io.muster.cluster.ControlAddress;
import io.muster.cluster.ControlClient;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** One of two processes has less direct memory than a connection needs. */
@Timeout(180)
final class LittleDirectMemoryIT {
    private static final List<String> LITTLE = List.of("env", "JAVA_TOOL_OPTIONS=-XX:MaxDirectMemorySize=1m");

    @TempDir
    private static Path temp;

    @Test
    void bothProcessesNameTheOneThatLacksMemory() throws Exception {
        List<Integer> ports = MusterCommand.freePorts(2);
        String members = "127.0.0.1:" + ports.get(0) + ",127.0.0.1:" + ports.get(1);
        try (MusterCommand healthy = MusterCommand.start(temp, run(0, ports, members));
                MusterCommand lacking = MusterCommand.start(LITTLE, temp, run(1, ports, members))) {
            healthy.await("published", _ -> true);
            lacking.await("published", _ -> true);
            String lack = "the process of rank 1 (pid " + lacking.pid() + " at 127.0.0.1:";
            for (int rank = 0; rank < 2; rank++) {
                int missing = 1 - rank;
                int port = ports.get(rank);
                JsonObject group = Eventually.value(
                        "the status at rank " + rank + " names the process that lacks memory",
                        () -> status(port),
                        one -> blame(one).contains(lack)
                                && whatToDo(one, missing).contains("pid " + lacking.pid()));
                assertThat(blame(group))
                        .contains("has too little direct memory: ", "with a greater -XX:MaxDirectMemorySize")
                        .doesNotContain("neither is blamed");
                assertThat(whatToDo(group, missing))
                        .startsWith("start pid " + lacking.pid())
                        .endsWith("with a greater -XX:MaxDirectMemorySize");
            }
            assertThat(healthy.events("blame")).isNotEmpty();
            assertThat(lacking.err())
                    .contains("this process has too little direct memory")
                    .doesNotContain("rehearsal");
        }
    }

    private static JsonObject status(int port) throws Exception {
        var asked = new ControlAddress("127.0.0.1", port);
        JsonArray groups = ControlQuestion.body(
                        asked, ControlClient.ask(asked, new JsonObject().put("ask", "status"), Duration.ofSeconds(20)))
                .getJsonArray("groups");
        return groups.isEmpty() ? new JsonObject() : groups.getJsonObject(0);
    }

    private static String blame(JsonObject group) {
        return group.getJsonObject("blame", new JsonObject()).getString("text", "");
    }

    /** Empty if that rank is not missing. */
    private static String whatToDo(JsonObject group, int rank) {
        return group.getJsonArray("missing", new JsonArray()).stream()
                .map(JsonObject.class::cast)
                .filter(missing -> missing.getInteger("rank") == rank)
                .map(missing -> missing.getString("whatToDo"))
                .findFirst()
                .orElse("");
    }

    private static String[] run(int rank, List<Integer> ports, String members) {
        return new String[] {
            "run",
            "--group=ep",
            "--rank=" + rank,
            "--world-size=2",
            "--members=" + members,
            "--bind=127.0.0.1",
            "--port=0",
            "--control-port=" + ports.get(rank),
            "--hazelcast-port=0",
            "--json"
        };
    }
}
