// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * A group of four processes: late ranks, losses, restarts, leaving. Starting a JVM is slow, so all tests share the
 * processes and run in this order, and each test ends with all connected.
 */
@Timeout(60)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class GroupIT {
    private static final int WORLD = 4;
    private static final long LIVENESS_MS = 3000;
    /** Long, because a loaded machine answers late. */
    private static final long SLACK_MS = 4000;

    private static final List<MusterCommand> OWNED = new ArrayList<>();

    @RegisterExtension
    private static final AfterTestExecutionCallback SHOW_ALL_WHEN_IT_FAILS =
            test -> test.getExecutionException().ifPresent(_ -> OWNED.forEach(System.out::println));

    @TempDir
    private static Path temp;

    private static final MusterCommand[] RANKS = new MusterCommand[WORLD];
    private static List<Integer> ports = List.of();
    private static long epoch;

    @BeforeAll
    @Timeout(300) // recording the start takes much processor time, once after a build
    static void choosePorts() throws Exception {
        MusterCommand.recordTheStart();
        ports = MusterCommand.freePorts(WORLD + 1);
    }

    @AfterAll
    static void killAll() {
        OWNED.forEach(MusterCommand::close);
    }

    @Test // B-3
    @Order(1)
    void namesTheLateRankWhileItIsMissingAndThenConnects() throws Exception {
        for (int rank : List.of(0, 1, 3)) {
            start(rank);
        }
        for (int rank : List.of(0, 1, 3)) {
            RANKS[rank].await("published", one -> one.getInteger("rank") == rank);
            for (int peer : List.of(0, 1, 3)) {
                RANKS[rank].await(
                        "peer-state",
                        one -> one.getInteger("peer") == peer
                                && one.getString("to").equals("CONNECTED"));
            }
        }
        JsonObject before = status(3);
        assertThat(before.getJsonArray("missing"))
                .as(before::encodePrettily)
                .singleElement()
                .satisfies(one -> {
                    assertThat(((JsonObject) one).getInteger("rank")).isEqualTo(2);
                    assertThat(((JsonObject) one).getString("phase")).isEqualTo("NEVER_PUBLISHED");
                });
        assertThat(RANKS[0].events("all-connected")).isEmpty();

        start(2);

        assertAllConnectedAfter(0);
        assertThat(RANKS[2].events("all-connected").getFirst().getLong("elapsedMs"))
                .as("from its publish, on a busy machine")
                .isLessThan(3000);
        JsonObject after = status(1);
        assertThat(after.getString("epochState")).isEqualTo("COMPLETE");
        assertThat(after.getJsonArray("missing")).isEmpty();
        assertThat(after.getJsonObject("links")).isEqualTo(new JsonObject().put("CONNECTED", WORLD * (WORLD - 1)));
    }

    @Test
    @Order(2)
    void theHolderOfTheRankIsNamedToASecondClaimant() throws Exception {
        MusterCommand second = startClaimant("1", WORLD);

        assertThat(second.awaitExit()).as(second::toString).isEqualTo(2);
        assertThat(second.err().lines())
                .as(second::toString)
                .singleElement()
                .asString()
                .startsWith("muster: rank 1 of group g is held by pid " + RANKS[1].pid() + " at 127.0.0.1:");
        assertUndisturbed();
    }

    @Test
    @Order(3)
    void refusesAProcessWithAnotherWorldSizeAtItsStart() throws Exception {
        for (int size : List.of(2, 7)) {
            MusterCommand other = startClaimant(String.valueOf(size - 1), size);

            assertThat(other.awaitExit()).as(other::toString).isEqualTo(2);
            assertThat(other.err().lines())
                    .as(other::toString)
                    .singleElement()
                    .asString()
                    .startsWith("muster: world sizes disagree: group g has 4 ranks in pid ")
                    .contains("and " + size + " here", "same world size");
        }
        assertUndisturbed();
    }

    @Test // O-2
    @Order(4)
    void theFlightRecordCanBeReadFromOutside() throws Exception {
        Path file = temp.resolve("record.json");
        try (MusterCommand dump =
                MusterCommand.start(temp, "dump", "--control", "127.0.0.1:" + ports.get(1), "--out", file.toString())) {
            assertThat(dump.awaitExit()).as(dump::toString).isZero();
        }
        JsonObject record = new JsonObject(Files.readString(file));
        assertThat(record.getLong("pid")).isEqualTo(RANKS[1].pid());
        assertThat(whats(record, "channels")).filteredOn("opened"::equals).hasSizeGreaterThanOrEqualTo(WORLD - 1);
        assertThat(whats(record, "barrier")).contains("OPEN", "MARKED", "COMPLETE");
        Files.delete(file);
    }

    private static List<String> whats(JsonObject record, String kind) {
        return record.getJsonObject(kind).getJsonArray("entries").stream()
                .map(entry -> ((JsonObject) entry).getString("what"))
                .toList();
    }

    @Test // B-6, R-8, R-13
    @Order(5)
    void theFirstProcessIsKilledAndComesBack() throws Exception {
        killAndRestart(0);
    }

    @Test // B-6
    @Order(6)
    void anyOtherProcessIsKilledAndComesBack() throws Exception {
        killAndRestart(2);
    }

    @Test // P-9, P-11
    @Order(7)
    void aFrozenProcessIsLostInTimeAndComesBackInPlace() throws Exception {
        forgetEvents();
        long frozenNanos = System.nanoTime();
        RANKS[3].signal("STOP");
        for (int rank = 0; rank < 3; rank++) {
            JsonObject degraded = RANKS[rank].await(
                    "degraded", event -> lost(event).contains(3)); // an event of the previous test may be repeated
            assertThat(lost(degraded)).containsExactly(3);
            assertThat((degraded.getLong("atNanos") - frozenNanos) / 1_000_000)
                    .as("degraded after ms at rank " + rank)
                    .isBetween(LIVENESS_MS / 2, LIVENESS_MS + SLACK_MS);
        }
        RANKS[3].signal("CONT");
        assertAllConnectedAfter(epoch);
    }

    @Test
    @Order(8)
    void aFrozenIncumbentIsReplacedAndEndsItselfWhenItWakes() throws Exception {
        forgetEvents();
        MusterCommand frozen = RANKS[3];
        frozen.signal("STOP");
        RANKS[0].await("degraded", _ -> true);
        RANKS[3] = startClaimant("3", WORLD);
        assertAllConnectedAfter(epoch);

        frozen.signal("CONT");

        assertThat(frozen.awaitExit()).as(frozen::toString).isEqualTo(1);
        assertThat(frozen.err()).contains("muster: ");
        assertUndisturbed();
    }

    @Test // G-2: leaving is distinguished from failing; O-2
    @Order(9)
    void ctrlCLeavesInOrderAndSigtermWritesTheFlightRecord() throws Exception {
        forgetEvents();
        String before = RANKS[1].err();
        assertThat(flightRecords())
                .as("killed, frozen, joined again: nothing was dumped so far")
                .isEmpty();
        String sent = RANKS[1].interrupt();

        assertThat(RANKS[1].awaitExit()).as(RANKS[1]::toString).isZero();
        assertThat(RANKS[1].err().substring(before.length()))
                .as("standard error")
                .doesNotContain("Exception", " ERROR ", "muster: ");
        assertThat(MusterCommand.listens("127.0.0.1", ports.get(1))).isFalse();
        JsonObject degraded = RANKS[0].await("degraded", event -> lost(event).contains(1));
        assertThat(degraded.getJsonArray("lost").getJsonObject(0).getString("reason"))
                .isEqualTo("LEFT");
        assertThat(flightRecords()).as("by SIGTERM only").hasSize(sent.equals("INT") ? 0 : 1);
        for (int rank : List.of(0, 2, 3)) {
            RANKS[rank].signal("TERM");
        }
        for (int rank : List.of(0, 2, 3)) {
            assertThat(RANKS[rank].awaitExit()).as(RANKS[rank]::toString).isZero();
        }
        assertThat(ports).noneMatch(port -> MusterCommand.listens("127.0.0.1", port));
        List<Path> records = flightRecords();
        for (int rank : List.of(0, 2, 3)) {
            Path file = records.stream()
                    .filter(one -> one.getFileName().toString().contains("-" + pid(rank) + "-sigterm"))
                    .findFirst()
                    .orElseThrow();
            assertThat(whats(new JsonObject(Files.readString(file)), "barrier")).contains("COMPLETE", "DEGRADED");
        }
        try (Stream<Path> left = Files.list(temp)) {
            assertThat(left).containsExactly(flightFolder());
        }
    }

    private static long pid(int rank) {
        return RANKS[rank].pid();
    }

    private static Path flightFolder() {
        return temp.resolve("muster-flight-" + System.getProperty("user.name"));
    }

    private static List<Path> flightRecords() throws IOException {
        if (!Files.isDirectory(flightFolder())) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(flightFolder())) {
            return files.toList();
        }
    }

    // ---- what the tests share

    private static void killAndRestart(int rank) throws Exception {
        forgetEvents();
        long killedNanos = System.nanoTime();
        RANKS[rank].signal("KILL");
        RANKS[rank].awaitExit();
        for (int other = 0; other < WORLD; other++) {
            if (other != rank) {
                JsonObject degraded =
                        RANKS[other].await("degraded", event -> lost(event).contains(rank));
                assertThat(degraded.getLong("epoch")).isEqualTo(epoch);
                assertThat(lost(degraded)).containsExactly(rank);
                System.out.println("killed rank " + rank + ": degraded at rank " + other + " after "
                        + (degraded.getLong("atNanos") - killedNanos) / 1_000_000 + " ms");
            }
        }
        start(rank);
        assertAllConnectedAfter(epoch);
    }

    private static void forgetEvents() {
        for (MusterCommand rank : RANKS) {
            rank.forgetEvents();
        }
    }

    private static List<Integer> lost(JsonObject degraded) {
        return degraded.getJsonArray("lost").stream()
                .map(one -> ((JsonObject) one).getInteger("rank"))
                .toList();
    }

    /** Every rank learns the same later epoch. */
    private static void assertAllConnectedAfter(long before) throws Exception {
        long latest = 0;
        for (MusterCommand rank : RANKS) {
            latest = Math.max(latest, rank.allConnectedAfter(before).getLong("epoch"));
        }
        for (MusterCommand rank : RANKS) {
            long wanted = latest;
            rank.await("all-connected", one -> one.getLong("epoch") == wanted);
        }
        assertThat(latest).isGreaterThan(before);
        epoch = latest;
    }

    private static void assertUndisturbed() throws Exception {
        JsonObject picture = status(0);
        assertThat(picture.getString("epochState")).as(picture::encodePrettily).isEqualTo("COMPLETE");
        assertThat(picture.getLong("epoch")).isEqualTo(epoch);
        assertThat(picture.getJsonArray("missing")).isEmpty();
    }

    /** Through {@code muster status}, which asks one process and shows the status of all. */
    private static JsonObject status(int rank) throws Exception {
        try (MusterCommand status = MusterCommand.start(
                temp, "status", "--json", "--group", "g", "--control", "127.0.0.1:" + ports.get(rank))) {
            int code = status.awaitExit();
            assertThat(status.out()).as(status::toString).hasSize(1);
            JsonObject group = new JsonObject(status.out().getFirst())
                    .getJsonArray("groups")
                    .getJsonObject(0);
            assertThat(code)
                    .as(status::toString)
                    .isEqualTo(group.getString("epochState").equals("COMPLETE") ? 0 : 3);
            return group;
        }
    }

    private static void start(int rank) throws IOException {
        RANKS[rank] = start(String.valueOf(rank), WORLD, ports.get(rank));
    }

    /** A process that the member lists of the others do not contain. */
    private static MusterCommand startClaimant(String rank, int worldSize) throws IOException {
        return start(rank, worldSize, ports.get(WORLD));
    }

    private static MusterCommand start(String rank, int worldSize, int port) throws IOException {
        String members =
                ports.subList(0, WORLD).stream().map(one -> "127.0.0.1:" + one).collect(Collectors.joining(","));
        MusterCommand command = MusterCommand.start(
                temp,
                "run",
                "--group",
                "g",
                "--rank",
                rank,
                "--world-size",
                String.valueOf(worldSize),
                "--control-port",
                String.valueOf(port),
                "--hazelcast-port",
                "0",
                "--members",
                members,
                "--json",
                "--while-stdin-open");
        OWNED.add(command);
        return command;
    }
}
