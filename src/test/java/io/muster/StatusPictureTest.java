// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.group.MusterException;
import io.muster.ops.StatusVerticle;
import io.muster.options.GroupOptions;
import io.muster.testing.TransportFault;
import io.muster.testing.TransportFaults;
import io.vertx.core.Future;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The picture that one process makes from the parts of all. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class StatusPictureTest {
    private final TransportFaults faults = new TransportFaults();
    private final InMemoryCluster cluster = new InMemoryCluster();
    private final InMemoryCluster.Process here = cluster.start(settings(), faults);
    private final InMemoryCluster.Process there = cluster.start(settings(), faults);

    private static JsonObject settings() {
        return new JsonObject().put("status", new JsonObject().put("nodeTimeoutMs", 500));
    }

    @AfterEach
    void close() {
        cluster.close();
    }

    private static JsonObject picture(InMemoryCluster.Process process) {
        return Bounded.await(process.muster().diagnostics().status("g"), "status")
                .getFirst()
                .toJson();
    }

    // M-5
    @Test
    void theStatusHasThePartsOfAllProcesses() {
        here.join("g", 0, 3);
        there.join("g", 1, 3);
        JsonObject picture = Eventually.value(
                "both processes have told their links",
                () -> picture(here),
                one -> one.getInteger("processes") == 2
                        && one.getJsonObject("links").getInteger("CONNECTED", 0) == 2
                        && one.getJsonArray("missing").size() == 1);
        assertThat(picture.getJsonArray("noAnswer")).isEmpty();
        assertThat(picture.getJsonArray("notAsked")).isEmpty();
        assertThat(picture.getJsonArray("missing")).singleElement().satisfies(one -> {
            assertThat(((JsonObject) one).getString("phase")).isEqualTo("NEVER_PUBLISHED");
            assertThat(((JsonObject) one).getJsonArray("seenByRanks")).containsExactlyInAnyOrder(0, 1);
        });
    }

    // M-5
    @Test
    void aProcessThatWasAskedAndGaveNoAnswerIsNamed() {
        InMemoryCluster.await(here.join("g", 0, 2), there.join("g", 1, 2));
        TransportFault silent =
                faults.add(TransportFault.at(TransportFault.Point.SEND_STATUS, new TransportFault.Act.Drop())
                        .with(here.muster().processId()));
        JsonObject picture = picture(here);
        assertThat(silent.fired()).isPositive();
        assertThat(picture.getInteger("processes")).isEqualTo(1);
        assertThat(ranks(picture, "noAnswer")).containsExactly(new JsonArray().add(1));
        assertThat(ranks(picture, "notAsked")).isEmpty();
        assertThat(StatusVerticle.text(picture)).contains("asked, but gave no answer: pid ");
    }

    // M-5
    @Test
    void aProcessWithoutAConnectionCountsAsNotAsked() {
        TransportFault cut =
                faults.add(TransportFault.at(TransportFault.Point.DIAL, new TransportFault.Act.Fail("cut")));
        here.join("g", 0, 2);
        there.join("g", 1, 2);
        JsonObject picture = Eventually.value(
                "the two have no connection",
                () -> picture(here),
                one -> cut.fired() > 0 && !ranks(one, "notAsked").isEmpty());
        assertThat(ranks(picture, "notAsked")).containsExactly(new JsonArray().add(1));
        assertThat(ranks(picture, "noAnswer")).isEmpty();
        assertThat(StatusVerticle.text(picture)).contains("not asked, because this process has no connection to it");
    }

    private static List<JsonArray> ranks(JsonObject picture, String rows) {
        return picture.getJsonArray(rows).stream()
                .map(one -> ((JsonObject) one).getJsonArray("ranks"))
                .toList();
    }

    /** A process is asked without pause while its group starts and ends, and another one that gathers its part. */
    @Test
    void everyQuestionHasAnAnswerAtEveryMomentOfAGroup() {
        JoinedRank zero = here.join("g", 0, 2);
        var ended = new AtomicBoolean();
        List<Future<?>> answers = new ArrayList<>();
        CompletableFuture<Void> asking = CompletableFuture.runAsync(() -> {
            while (!ended.get()) {
                answers.add(there.muster().diagnostics().status(null));
                answers.add(here.muster().diagnostics().status("g"));
                Bounded.await(answers.getLast().otherwiseEmpty(), "the status");
            }
        });
        for (int life = 0; life < 20; life++) {
            JoinedRank one = there.join(GroupOptions.of("g", 1, 2));
            InMemoryCluster.await(zero, one);
            Bounded.await(one.leave(), "leaving");
        }
        Bounded.await(there.muster().close(), "closing Muster");
        ended.set(true);
        asking.join();
        assertThat(answers).hasSizeGreaterThan(100);
        answers.forEach(answer -> {
            Bounded.await(answer.otherwiseEmpty(), "an answer");
            if (answer.failed()) {
                assertThat(answer.cause()).isInstanceOf(MusterException.class);
            }
        });
    }

    @Test
    void aClosedMusterSaysThatItIsClosed() {
        here.join("g", 0, 1);
        Bounded.await(here.muster().close(), "closing Muster");
        for (String group : new String[] {null, "g"}) {
            assertThatThrownBy(() -> Bounded.await(here.muster().diagnostics().status(group), "status"))
                    .isInstanceOfSatisfying(
                            MusterException.class,
                            closed -> assertThat(closed.kind()).isEqualTo(MusterException.Kind.FATAL))
                    .hasMessageContaining("closed");
        }
    }
}
