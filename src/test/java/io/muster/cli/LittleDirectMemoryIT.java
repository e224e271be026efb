// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.cluster.ControlAddress;
import io.muster.cluster.ControlClient;
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
            String lack = "the process of rank 1 (pid " + lacking.pid() + " at 127.0.0.1:";
            for (MusterCommand process : List.of(healthy, lacking)) {
                JsonObject waiting = process.await("waiting", one -> blame(one).contains(lack));
                assertThat(blame(waiting))
                        .contains("has too little direct memory: ", "with a greater -XX:MaxDirectMemorySize")
                        .doesNotContain("neither is blamed");
                assertThat(missing(waiting).getString("whatToDo"))
                        .startsWith("start pid " + lacking.pid())
                        .endsWith("with a greater -XX:MaxDirectMemorySize");
            }
            JsonObject seen = healthy.await(
                    "waiting", one -> missing(one).getString("lastError").startsWith(lack));
            assertThat(missing(seen).getInteger("rank")).isEqualTo(1);
            var asked = new ControlAddress("127.0.0.1", ports.get(0));
            JsonObject status = ControlQuestion.body(
                    asked, ControlClient.ask(asked, new JsonObject().put("ask", "status"), Duration.ofSeconds(20)));
            assertThat(status.encode()).contains(lack);
            assertThat(lacking.err())
                    .contains("this process has too little direct memory")
                    .doesNotContain("rehearsal");
        }
    }

    private static String blame(JsonObject waiting) {
        return waiting.getJsonObject("blame").getString("text");
    }

    private static JsonObject missing(JsonObject waiting) {
        return waiting.getJsonArray("missing").getJsonObject(0);
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
