// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.cluster.ControlAddress;
import io.muster.cluster.ControlClient;
import io.muster.launch.ExitCode;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A process is asked at every moment of its life. */
// M-5
@Timeout(120)
final class StatusWhileStartingIT {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    @TempDir
    private static Path temp;

    private static String[] run(int port, String members) {
        return new String[] {
            "run",
            "--group=g",
            "--ranks=0-3",
            "--world-size=4",
            "--members=" + members,
            "--control-port=" + port,
            "--hazelcast-port=0",
            "--json"
        };
    }

    @Test
    void everyQuestionHasAnAnswerFromTheFirstMomentToTheLast() throws Exception {
        int port = MusterCommand.freePorts(1).getFirst();
        var target = new ControlAddress("127.0.0.1", port);
        List<String> wrong = new ArrayList<>();
        Set<String> states = new HashSet<>();
        try (MusterCommand command = MusterCommand.start(temp, run(port, target.toString()))) {
            boolean told = false;
            while (command.isAlive()) {
                for (String ask : List.of("status", "dump", "resources", "cluster")) {
                    if (ControlClient.ask(target, new JsonObject().put("ask", ask), PATIENCE)
                            instanceof ControlClient.Reply.Answered(JsonObject body)) {
                        look(ask, body, wrong, states);
                    }
                }
                if (!told && !command.events("all-connected").isEmpty()) {
                    told = true;
                    command.signal("TERM");
                }
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(states).contains("joins g", "COMPLETE");
    }

    private static void look(String ask, JsonObject body, List<String> wrong, Set<String> states) {
        String kind = body.getString("kind", "");
        // RETRY: asked too early or too late; CONFIG: the question is not known yet
        boolean unknown = body.getString("error", "").startsWith("unknown ask");
        if (kind.equals("FATAL") && !body.getString("error").contains("closed") || kind.equals("CONFIG") && !unknown) {
            wrong.add(ask + ": " + body.encode());
        }
        if (ask.equals("status") && body.getJsonArray("groups") != null) {
            JsonObject joins = body.getJsonObject("joins");
            if (joins != null) {
                states.add("joins " + joins.getString("group"));
            } else if (body.getJsonArray("groups").isEmpty()) {
                states.add("in no group");
            }
            body.getJsonArray("groups").forEach(group -> states.add(((JsonObject) group).getString("epochState")));
        }
    }

    @Test
    void aProcessThatWaitsForItsClusterSaysWhatItWillJoin() throws Exception {
        List<Integer> ports = MusterCommand.freePorts(2);
        String members = "127.0.0.1:" + ports.get(0) + ",127.0.0.1:" + ports.get(1);
        try (MusterCommand waiting = MusterCommand.start(temp, run(ports.get(1), members))) {
            waiting.await("starting", _ -> true);
            for (String option : List.of("--json", "--group=g")) {
                try (MusterCommand status =
                        MusterCommand.start(temp, "status", "--control=127.0.0.1:" + ports.get(1), option)) {
                    assertThat(status.awaitExit()).as(status::toString).isEqualTo(ExitCode.NOT_ALL_CONNECTED);
                    assertThat(String.join("", status.out()))
                            .contains(
                                    option.equals("--json")
                                            ? "\"joins\":{\"group\":\"g\""
                                            : "it will join group g with ranks [0,1,2,3]");
                }
            }
        }
    }
}
