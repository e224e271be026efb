// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.GroupName;
import io.muster.group.StuckReport;
import io.muster.ops.StatusVerticle;
import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Something blocks the event loop of a group. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class StalledLoopTest {
    private final InMemoryCluster cluster = new InMemoryCluster();
    private final InMemoryCluster.Process here = cluster.start(settings());
    private final InMemoryCluster.Process there = cluster.start(settings());
    private final CountDownLatch release = new CountDownLatch(1);

    private static JsonObject settings() {
        return new JsonObject()
                .put("status", new JsonObject().put("nodeTimeoutMs", 500).put("loopLimitMs", 200));
    }

    @AfterEach
    void close() {
        release.countDown();
        cluster.close();
    }

    private static Future<List<Diagnostics.GroupStatus>> ask(InMemoryCluster.Process process) {
        return process.muster().diagnostics().status("g");
    }

    private static JsonObject picture(InMemoryCluster.Process process) {
        return Bounded.await(ask(process), "status").getFirst().toJson();
    }

    // M-5
    @Test
    void theStatusAnswersAndSaysWhichLoopStandsStillAndWhere() throws InterruptedException {
        InMemoryCluster.await(here.join("g", 0, 2), there.join("g", 1, 2));
        var blocked = new CountDownLatch(1);
        here.muster().groups().groups().get(new GroupName("g")).barrier().execute(_ -> {
            blocked.countDown();
            block();
        });
        blocked.await();
        JsonObject pending = picture(here);
        assertThat(pending.getString("epochState")).isEqualTo("UNKNOWN");
        JsonObject later = picture(here);
        assertThat(later.getJsonArray("stalled").getJsonObject(0).getString("text"))
                .matches("the event loop vert.x-eventloop-thread-\\d+ of this process has not run for \\d+ ms; "
                        + "it is in io.muster.StalledLoopTest.block:\\d+: nothing may block an event loop");
        assertThat(StatusVerticle.text(later)).contains(", ranks [0]: the event loop ");
        Eventually.value(
                "the other process says it too, unless its connection runs on the same event loop",
                () -> picture(there),
                picture -> !picture.getJsonArray("stalled").isEmpty()
                        || !picture.getJsonArray("noAnswer").isEmpty()
                        || !picture.getJsonArray("notAsked").isEmpty());
        assertThat(here.muster().diagnostics().flightRecord().toJson().encode()).contains("EVENT_LOOP");
        release.countDown();
        Eventually.value(
                "the loop runs again",
                () -> picture(here),
                picture -> picture.getJsonArray("stalled").isEmpty()
                        && !picture.getString("epochState").equals("UNKNOWN"));
    }

    // M-5
    @Test
    void aReportAnswersWhileTheLoopOfItsGroupStandsStill() throws InterruptedException {
        JoinedRank rank = here.join("g", 0, 2);
        InMemoryCluster.await(rank, there.join("g", 1, 2));
        var blocked = new CountDownLatch(1);
        here.muster().groups().groups().get(new GroupName("g")).barrier().execute(_ -> {
            blocked.countDown();
            block();
        });
        blocked.await();
        StuckReport pending = Bounded.await(rank.report(), "report");
        StuckReport later = Bounded.await(rank.report(), "report");
        for (StuckReport report : List.of(pending, later)) {
            assertThat(report.epochState()).isEqualTo("UNKNOWN");
            assertThat(report.text())
                    .containsPattern("the event loop vert.x-eventloop-thread-\\d+ of this process has not run for \\d+"
                            + " ms; it is in io.muster.StalledLoopTest.block:\\d+");
        }
        release.countDown();
        Eventually.value(
                "the loop runs again",
                () -> Bounded.await(rank.report(), "report"),
                report -> report.eventLoop().isEmpty() && report.epoch() > 0);
    }

    private void block() {
        try {
            release.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
