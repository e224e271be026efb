// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.Eventually;
import io.muster.group.MusterException;
import io.muster.launch.DemoPlan;
import io.muster.launch.EventWriter;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code muster demo} as a real process. */
@Timeout(90)
final class DemoIT {
    private static final String FABRIC = "11111111-2222-3333-4444-555555555555/7";

    @TempDir
    private static Path temp;

    private final List<MusterCommand> owned = new ArrayList<>();

    @BeforeAll
    @Timeout(300) // recording the start takes much processor time, once after a build
    static void recordTheStart() throws Exception {
        MusterCommand.recordTheStart();
    }

    @AfterEach
    void killAll() {
        owned.forEach(MusterCommand::close);
    }

    @Test // B-6
    void connectsFourProcessesAndReadmitsAKilledOne() throws Exception {
        MusterCommand demo = start("demo", "--json", "--restart", "0");

        assertThat(demo.awaitExit(80_000)).as(demo::toString).isZero();
        assertThat(demo.err()).as("standard error").isEmpty();
        assertThat(demo.out())
                .allSatisfy(line -> assertThat(new JsonObject(line).getString("event"))
                        .isIn(
                                "starting",
                                "published",
                                "peer-state",
                                "all-connected",
                                "degraded",
                                "blame",
                                "restart",
                                "outcome"));
        assertThat(demo.events("all-connected").stream().filter(one -> one.getLong("epoch") == 1))
                .hasSize(4);
        JsonObject restart = demo.events("restart").getFirst();
        assertThat(restart.getJsonArray("ranks")).isEqualTo(new JsonArray().add(0));
        assertThat(restart.getJsonArray("seenBy")).hasSize(3);
        assertThat(demo.events("degraded"))
                .allSatisfy(one -> assertThat(
                                one.getJsonArray("lost").getJsonObject(0).getInteger("rank"))
                        .isZero());
        JsonObject outcome = new JsonObject(demo.out().getLast());
        assertThat(outcome.getString("event")).isEqualTo("outcome");
        assertThat(outcome.getString("outcome")).isEqualTo("all-connected");
        assertThat(outcome.getLong("epoch")).isGreaterThan(1);
        assertThat(outcome.getJsonObject("links")).isEqualTo(new JsonObject().put("warmup", 12));
        assertThat(outcome.getJsonObject("paths")).isEqualTo(new JsonObject().put("warmup", 6));
        assertNothingIsLeft(demo);
    }

    @Test // W-4
    void spreadsRanksOverProcessesInASimulatedFabric() throws Exception {
        MusterCommand demo = start("demo", "--ranks", "5", "--processes", "2", "--fabric", FABRIC);

        assertThat(demo.awaitExit()).as(demo::toString).isZero();
        assertThat(demo.err()).as("standard error").isEmpty();
        assertThat(demo.out().getFirst()).startsWith("5 ranks in 2 processes on 127.0.0.1");
        assertThat(demo.out())
                .anySatisfy(line -> assertThat(line).startsWith("published ").contains(" | links "));
        assertThat(demo.out().getLast())
                .matches(
                        "all-connected group=demo epoch=1 ranks=5 links=20 paths=1 proofs=fabric-import\\(simulated\\):12,local:8 elapsedMs=\\d+");
        assertThat(demo.out())
                .as("a line per change of the summary, not per event")
                .hasSizeLessThan(60);
        assertNoFiles();
    }

    @Test // B-3
    void namesExactlyTheRankThatIsMissing() throws Exception {
        MusterCommand demo = start("demo", "--json", "--ranks", "3", "--missing", "1", "--deadline", "2s");

        assertThat(demo.awaitExit()).as(demo::toString).isEqualTo(3);
        assertThat(demo.err()).as("standard error").isEmpty();
        JsonObject report = demo.events("report").getFirst();
        assertThat(report.getJsonArray("missing"))
                .as(report::encodePrettily)
                .singleElement()
                .satisfies(one -> {
                    JsonObject missing = (JsonObject) one;
                    assertThat(missing.getInteger("rank")).isEqualTo(1);
                    assertThat(missing.getString("phase")).isEqualTo("NEVER_PUBLISHED");
                    assertThat(missing.getLong("sinceMs")).isPositive();
                    assertThat(missing.getString("whatToDo")).startsWith("start rank 1");
                });
        assertThat(new JsonObject(demo.out().getLast()).getJsonArray("missing")).isEqualTo(new JsonArray().add(1));
        assertNothingIsLeft(demo);
    }

    @Test
    void leavesNothingBehindWhenItIsInterrupted() throws Exception {
        MusterCommand demo = start("demo", "--json", "--ranks", "2", "--keep", "--fabric", FABRIC);
        demo.await("outcome", outcome -> outcome.getString("outcome").equals("all-connected"));

        demo.interrupt();

        assertThat(demo.awaitExit(10_000)).as(demo::toString).isZero();
        assertThat(demo.err()).as("standard error").isEmpty();
        assertNothingIsLeft(demo);
    }

    @Test
    void leavesNothingBehindWhenItIsTerminatedWhileItStarts() throws Exception {
        MusterCommand demo = start("demo", "--json", "--ranks", "2", "--fabric", FABRIC);
        demo.await("starting", _ -> true);

        demo.signal("TERM");

        assertThat(demo.awaitExit(10_000)).as(demo::toString).isZero();
        assertThat(demo.err()).as("standard error").isEmpty();
        assertNothingIsLeft(demo);
    }

    @Test
    void itsProcessesEndWhenTheDemoIsKilled() throws Exception {
        MusterCommand demo = start("demo", "--json", "--ranks", "2", "--missing", "1", "--fabric", FABRIC);
        demo.await("published", _ -> true);

        demo.signal("KILL");
        demo.awaitExit();

        assertNothingIsLeft(demo);
    }

    /** Another program takes a port between the choice of the port and its opening. */
    @Test
    void theDemoEndsIfAnotherProgramTakesOneOfItsPorts() throws Exception {
        var printed = new ByteArrayOutputStream();
        var out = new PrintStream(printed, true, StandardCharsets.UTF_8);
        try (ServerSocket busy = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                var demo = new Demo(
                        new DemoPlan(2, 2, null, null, Duration.ofSeconds(60), List.of()),
                        List.of(MusterCommand.freePorts(1).getFirst(), busy.getLocalPort()),
                        new EventWriter(out, true),
                        LiveView.on(out, LiveView.Kind.OFF))) {
            assertThatThrownBy(demo::run)
                    .isInstanceOf(MusterException.class)
                    .hasMessageContainingAll(
                            "the process of ranks [1]",
                            "exit code 2",
                            "another process listens on port " + busy.getLocalPort());
        }
    }

    private MusterCommand start(String... arguments) throws Exception {
        MusterCommand command = MusterCommand.start(temp, arguments);
        owned.add(command);
        return command;
    }

    /** No process, no open port and no file of the demo is left. */
    private static void assertNothingIsLeft(MusterCommand demo) throws Exception {
        List<JsonObject> started = demo.events("starting");
        assertThat(started).isNotEmpty();
        Set<Long> pids =
                new TreeSet<>(started.stream().map(one -> one.getLong("pid")).toList());
        Eventually.value( // they are no children of this JVM: there is nothing to wait on
                "no process of the demo is alive",
                Duration.ofSeconds(10),
                () -> pids.stream().filter(DemoIT::isAlive).toList(),
                List::isEmpty);
        for (JsonObject one : started) {
            String control = one.getString("control");
            assertThat(MusterCommand.listens(
                            "127.0.0.1", Integer.parseInt(control.substring(control.lastIndexOf(':') + 1))))
                    .as(control)
                    .isFalse();
        }
        assertNoFiles();
    }

    private static boolean isAlive(long pid) {
        return ProcessHandle.of(pid).filter(ProcessHandle::isAlive).isPresent();
    }

    private static void assertNoFiles() throws Exception {
        try (Stream<Path> files = Files.walk(temp)) {
            assertThat(files.filter(file -> !file.equals(temp))).isEmpty();
        }
    }
}
