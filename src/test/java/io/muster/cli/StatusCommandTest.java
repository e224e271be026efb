// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.cluster.ControlAddress;
import io.muster.cluster.ControlPort;
import io.muster.group.MusterException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The exit codes of {@code status} and {@code dump}, as numbers, against a real control port. */
@Timeout(30)
final class StatusCommandTest { // O-4
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private final ControlPort port = ControlPort.open(new ControlAddress("127.0.0.1", 0), ControlPort.Limits.DEFAULT);

    @AfterEach
    void close() {
        port.close();
    }

    @ParameterizedTest
    @CsvSource({"COMPLETE,0", "OPEN,3", "DEGRADED,3"})
    void theExitCodeSaysWhetherAllAreConnected(String epochState, int code) {
        port.handle("status", _ -> CompletableFuture.completedFuture(answer(false, epochState)));

        assertThat(run("status")).as(err.toString()).isEqualTo(code);
        assertThat(out.toString()).contains("group=g epoch=2 " + epochState);
    }

    @Test
    void aGroupThatIsNotCompleteBesideOneThatIsCounts() {
        port.handle("status", _ -> CompletableFuture.completedFuture(answer(false, "COMPLETE", "DEGRADED")));

        assertThat(run("status", "--json")).isEqualTo(3);
    }

    @Test // the store keeps a COMPLETE epoch as long as the process cannot write its end
    void aMissingRankCountsAlthoughTheEpochIsComplete() {
        JsonObject answer = answer(false, "COMPLETE");
        answer.getJsonArray("groups").getJsonObject(0).getJsonArray("missing").add(new JsonObject().put("rank", 1));
        port.handle("status", _ -> CompletableFuture.completedFuture(answer));

        assertThat(run("status", "--json")).isEqualTo(3);
    }

    @Test
    void aProcessThatStartsIsNotConnected() {
        port.handle("status", _ -> CompletableFuture.completedFuture(answer(true)));

        assertThat(run("status")).isEqualTo(3);
        assertThat(out.toString()).contains("is starting");
    }

    @ParameterizedTest
    @CsvSource({"CONFIG,2", "RETRY,1", "FATAL,1"})
    void theKindOfAFailedAnswerDecidesTheExitCode(MusterException.Kind kind, int code) {
        port.handle("status", _ -> CompletableFuture.failedFuture(new MusterException(kind, "it can't", null)));

        assertThat(run("status")).isEqualTo(code);
        assertThat(err.toString().strip()).isEqualTo("muster: it can't");
    }

    @ParameterizedTest
    @CsvSource({"status", "dump"})
    void aProcessThatDoesNotAnswerInTimeIsNoAnswer(String command) {
        port.handle(command, _ -> new CompletableFuture<>());

        assertThat(run(command, "--timeout", "300ms")).isEqualTo(4);
        assertThat(err.toString().lines())
                .singleElement()
                .asString()
                .startsWith("muster: no answer from " + port.address() + " (connected, but no answer within ");
    }

    @ParameterizedTest
    @CsvSource({"status", "dump"})
    void anAddressWhereNothingListensIsNoAnswer(String command) {
        port.close();

        assertThat(run(command)).isEqualTo(4);
        assertThat(err.toString().lines())
                .singleElement()
                .asString()
                .startsWith("muster: nothing listens on " + port.address())
                .contains("muster run");
    }

    private int run(String command, String... more) {
        String[] all = new String[more.length + 3];
        all[0] = command;
        all[1] = "--control";
        all[2] = port.address().toString();
        System.arraycopy(more, 0, all, 3, more.length);
        return Main.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(all);
    }

    private static JsonObject answer(boolean starting, String... epochStates) {
        var groups = new JsonArray();
        for (String state : epochStates) {
            groups.add(new JsonObject()
                    .put("group", "g")
                    .put("epoch", 2)
                    .put("epochState", state)
                    .put("processes", 1)
                    .put("links", new JsonObject())
                    .put("missing", new JsonArray())
                    .put("noAnswer", new JsonArray()));
        }
        return new JsonObject().put("pid", 1).put("starting", starting).put("groups", groups);
    }
}
