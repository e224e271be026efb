// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.muster.bus.Addresses;
import io.muster.group.GroupName;
import io.muster.group.MusterException;
import io.vertx.core.Future;
import io.vertx.core.eventbus.DeliveryOptions;
import io.vertx.core.json.JsonObject;
import io.vertx.junit5.Timeout;
import io.vertx.junit5.VertxExtension;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** What the flight record says of a group, and when it is written. */
@ExtendWith(VertxExtension.class)
@Timeout(value = 60, timeUnit = TimeUnit.SECONDS)
class FlightRecordGroupTest {
    private final InMemoryCluster cluster = new InMemoryCluster();

    @TempDir
    private Path folder;

    @AfterEach
    void close() {
        cluster.close();
    }

    private InMemoryCluster.Process start() {
        return cluster.start(new JsonObject().put("flight", new JsonObject().put("folder", folder.toString())));
    }

    // O-2
    @Test
    void aMissedDeadlineIsDumpedOnceAndTheErrorSaysWhere() throws Exception {
        InMemoryCluster.Process process = start();
        List<JoinedRank> ranks = List.of(process.join("g", 0, 3), process.join("g", 1, 3));
        List<Future<?>> waits = ranks.stream()
                .<Future<?>>map(rank -> rank.allConnected(Duration.ofMillis(200)))
                .toList();

        List<String> messages = waits.stream()
                .map(wait -> catchThrowableOfType(
                                MusterException.class, () -> Bounded.await(wait, "the wait for all connected"))
                        .getMessage())
                .toList();

        List<Path> files = files();
        assertThat(files).singleElement();
        assertThat(messages)
                .allSatisfy(message -> assertThat(message)
                        .startsWith("not all connected after 200 ms")
                        .endsWith("\nflight record: " + files.getFirst().toAbsolutePath()));
        JsonObject record = new JsonObject(Files.readString(files.getFirst()));
        assertThat(record.getString("why")).isEqualTo("deadline");
        assertThat(whats(record, "barrier")).contains("DEADLINE_MISSED");
        assertThat(record.getJsonObject("links").getJsonArray("entries"))
                .as("both links inside the process and both to themselves")
                .filteredOn(entry -> ((JsonObject) entry).getString("to").equals("CONNECTED"))
                .hasSize(4);
        assertThat(record.getJsonArray("groups").getJsonObject(0).getJsonArray("links"))
                .as("where each link stands")
                .hasSize(4);
    }

    // O-2
    @Test
    void aLaterMissedDeadlineHasARecordOfItsOwn() {
        JoinedRank rank = start().join("g", 0, 2);
        String first = fileOfAMissedDeadline(rank);
        Eventually.value(
                "a record of a later deadline", () -> fileOfAMissedDeadline(rank), file -> !file.equals(first));
    }

    private static String fileOfAMissedDeadline(JoinedRank rank) {
        String message = catchThrowableOfType(
                        MusterException.class,
                        () -> Bounded.await(rank.allConnected(Duration.ofMillis(100)), "the wait for all connected"))
                .getMessage();
        return message.substring(message.indexOf("\nflight record: "));
    }

    // O-2
    @Test
    void answersOnTheBusWithChannelsAndEpochsAndDumpsNoFile() throws Exception {
        InMemoryCluster.Process first = start();
        InMemoryCluster.Process second = start();
        JoinedRank zero = first.join("g", 0, 2);
        InMemoryCluster.await(zero, second.join("g", 1, 2));
        Future<JsonObject> degraded = first.degraded("g");
        cluster.crash(second);
        Bounded.await(degraded, "the event of the loss");

        JsonObject record = Bounded.await(
                        first.vertx()
                                .eventBus()
                                .<JsonObject>request(
                                        new Addresses(new GroupName("g")).flightRecord(),
                                        new JsonObject(),
                                        new DeliveryOptions().setLocalOnly(true)),
                        "the reply on the event bus")
                .body();

        assertThat(whats(record, "channels")).containsExactly("opened", "lost");
        assertThat(whats(record, "barrier")).contains("OPEN", "MARKED", "COMPLETE", "DEGRADED_SEEN_HERE");
        assertThat(whats(record, "store")).contains("MEMBER_WENT");
        assertThat(record.getString("process"))
                .isEqualTo(first.muster().processId().toString());
        Bounded.await(first.muster().close(), "closing Muster");
        assertThat(files()).isEmpty();
    }

    private List<Path> files() throws Exception {
        try (Stream<Path> files = Files.list(folder)) {
            return files.toList();
        }
    }

    private static List<String> whats(JsonObject record, String kind) {
        return record.getJsonObject(kind).getJsonArray("entries").stream()
                .map(entry -> ((JsonObject) entry).getString("what"))
                .toList();
    }
}
