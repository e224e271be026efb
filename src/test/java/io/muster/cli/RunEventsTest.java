// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.launch.EventWriter;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RunEventsTest {
    private final RunEvents.PrintedLosses printed = new RunEvents.PrintedLosses();

    private @Nullable String line(long epoch, int... ranks) {
        var lost = new JsonArray(IntStream.of(ranks)
                .mapToObj(rank -> new JsonObject()
                        .put("rank", rank)
                        .put("reason", "SILENCE")
                        .put("evidence", "SILENCE: nothing received")
                        .put("reportedBy", 0))
                .toList());
        JsonObject news = printed.newsOf(
                new JsonObject().put("group", "g").put("epoch", epoch).put("lost", lost));
        return news == null ? null : EventWriter.degradedText(news);
    }

    @Test // B-7: the bus delivers an event more than once
    void everyLostRankOfAnEpochIsPrintedOnce() {
        assertThat(line(4, 3)).startsWith("degraded group=g epoch=4 lost=rank 3 (SILENCE");
        assertThat(line(4, 3)).isNull();
        assertThat(line(4, 2, 3)).contains("lost=rank 2 (SILENCE").doesNotContain("rank 3");
        assertThat(line(4)).isNull();
        assertThat(line(5, 3)).contains("epoch=5 lost=rank 3");
        assertThat(line(6)).as("a merge may lose who was lost").startsWith("degraded group=g epoch=6");
    }
}
