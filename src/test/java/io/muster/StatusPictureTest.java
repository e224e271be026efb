// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.bus.Addresses;
import io.muster.group.GroupName;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The picture that one node makes from the rows of all: the other node's row comes over the bus, and here from the
 * test.
 */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class StatusPictureTest {
    private static final Addresses ADDRESSES = new Addresses(new GroupName("g"));

    private final InMemoryCluster cluster = new InMemoryCluster();
    private final InMemoryCluster.Process here = cluster.start(settings());
    private final InMemoryCluster.Process there = cluster.start(settings());

    private static JsonObject settings() {
        return new JsonObject().put("status", new JsonObject().put("nodeTimeoutMs", 1_000));
    }

    @AfterEach
    void close() {
        cluster.close();
    }

    private JsonObject picture() {
        InMemoryCluster.await(here.join("g", 0, 2), there.join("g", 1, 2));
        return Bounded.await(here.muster().diagnostics().status("g"), "status")
                .getFirst()
                .toJson();
    }

    private JsonObject row(String process) {
        var missing = new JsonObject()
                .put("rank", 0)
                .put("phase", "DIAL")
                .put("seenBy", 1)
                .put("sinceMs", 5L)
                .put("host", "10.0.0.1:9")
                .put("pid", 4L)
                .put("attempts", 2)
                .put("lastError", "no route")
                .put("whatToDo", "look at the network");
        return new JsonObject()
                .put("process", process)
                .put("pid", 7L)
                .put("host", "10.0.0.2:9")
                .put("ranks", new JsonArray().add(1))
                .put("links", new JsonObject().put("CONNECTED", 3).put("REFUSED", 1))
                .put("report", new JsonObject().put("missing", new JsonArray().add(missing)))
                .put("distrusted", 6L)
                .put(
                        "distrust",
                        new JsonArray()
                                .add(new JsonObject()
                                        .put("who", "10.0.0.3")
                                        .put("times", 6L)
                                        .put("what", "sent nonsense")));
    }

    private void answerWith(JsonObject row) {
        here.vertx()
                .eventBus()
                .<JsonObject>localConsumer(
                        ADDRESSES.nodeStatus(),
                        message -> here.vertx().eventBus().send(message.body().getString("replyTo"), row));
    }

    // O-1
    @Test
    void theStatusHasTheRowsOfOtherNodes() {
        answerWith(row(there.muster().processId().toString()));
        JsonObject picture = picture();
        assertThat(picture.getInteger("processes")).isEqualTo(2);
        assertThat(picture.getJsonArray("noAnswer")).isEmpty();
        assertThat(picture.getJsonObject("links"))
                .isEqualTo(new JsonObject().put("CONNECTED", 4).put("REFUSED", 1));
        assertThat(picture.getLong("distrusted")).isEqualTo(6);
        assertThat(picture.getJsonArray("distrust").getJsonObject(0).getString("at"))
                .isEqualTo("10.0.0.2:9");
        assertThat(picture.getJsonArray("missing")).singleElement().satisfies(one -> {
            assertThat(((JsonObject) one).getString("phase")).isEqualTo("DIAL");
            assertThat(((JsonObject) one).getJsonArray("seenByRanks")).containsExactly(1);
        });
    }

    // O-1
    @Test
    void aNodeThatGivesNoAnswerIsNamed() {
        JsonObject picture = picture();
        assertThat(picture.getInteger("processes")).isEqualTo(1);
        assertThat(picture.getJsonArray("noAnswer"))
                .singleElement()
                .satisfies(one ->
                        assertThat(((JsonObject) one).getJsonArray("ranks")).containsExactly(1));
    }

    @Test
    void aRowOfAProcessThatIsNotInTheGroupIsLeftOut() {
        answerWith(row("nobody"));
        assertThat(picture().getInteger("processes")).isEqualTo(1);
    }
}
