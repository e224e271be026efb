// SPDX-License-Identifier: Apache-2.0

package io.muster.ops;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.StuckReport.Phase;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The status has one row for each missing rank, made from the rows of all processes. */
class StatusRowsTest {
    private static JsonObject row(int rank, Phase phase, long sinceMs, int seenBy) {
        return new JsonObject()
                .put("rank", rank)
                .put("phase", phase.name())
                .put("phaseText", phase.text())
                .put("sinceMs", sinceMs)
                .put("seenBy", seenBy);
    }

    private static List<String> texts(JsonObject... seen) {
        return StatusVerticle.missing(List.of(seen)).stream()
                .map(row -> row.getInteger("rank") + " " + row.getString("phaseText") + " "
                        + row.getJsonArray("seenByRanks").encode())
                .toList();
    }

    @Test
    void aRankThatTwoSeeInTwoPhasesHasOneRow() {
        assertThat(texts(row(2, Phase.LOST, 9_000, 1), row(2, Phase.DIAL_FAILED, 5_000, 0)))
                .containsExactly("2 dial failed [0,1]");
        assertThat(texts(row(2, Phase.LEFT, 10, 0), row(2, Phase.LOST, 9_000, 1)))
                .containsExactly("2 left the group [0,1]");
    }

    @Test
    void theRowOfTheRanksOwnProcessComesFirst() {
        assertThat(texts(row(2, Phase.LOST, 9_000, 0), row(2, Phase.NEVER_PUBLISHED, 5, 2), row(2, Phase.LOST, 9, 1)))
                .containsExactly("2 never published [0,1,2]");
    }

    @Test
    void theLongerTimeDecidesBetweenEqualPhases() {
        assertThat(StatusVerticle.missing(List.of(row(2, Phase.LOST, 5, 0), row(2, Phase.LOST, 9, 1))))
                .singleElement()
                .satisfies(one -> assertThat(one.getLong("sinceMs")).isEqualTo(9));
    }

    @Test
    void ranksThatAMissingRankDidNotReachHaveNoRow() {
        assertThat(texts(row(2, Phase.LOST, 9, 0), row(0, Phase.UNHEARD, 5, 2), row(1, Phase.UNHEARD, 5, 2)))
                .containsExactly("2 connected, then lost [0]");
        assertThat(texts(row(0, Phase.UNHEARD, 5, 2)))
                .containsExactly("0 connected, then received nothing from the observer [2]");
    }

    @Test
    void aMissingMarkIsShownOnlyIfNothingElseIsMissing() {
        assertThat(texts(row(2, Phase.MARK_MISSING, 9, 0), row(1, Phase.LOST, 5, 0)))
                .containsExactly("1 connected, then lost [0]");
        assertThat(texts(row(2, Phase.MARK_MISSING, 9, 0))).containsExactly("2 ready mark missing [0]");
    }

    @Test
    void aCompleteEpochWithAMissingRankIsExplained() {
        var picture = new JsonObject()
                .put("group", "g")
                .put("epoch", 1)
                .put("epochState", "COMPLETE")
                .put("processes", 1)
                .put("links", new JsonObject())
                .put(
                        "missing",
                        new JsonArray()
                                .add(row(2, Phase.LOST, 5, 0)
                                        .put("host", "")
                                        .put("attempts", 1)
                                        .put("lastError", "")
                                        .put("seenByRanks", new JsonArray().add(0))
                                        .put("whatToDo", "look")))
                .put("noAnswer", new JsonArray());
        assertThat(StatusVerticle.text(picture))
                .contains("not all ranks are connected any more; the end of epoch 1 is not in the store yet")
                .contains("lost for 5 ms, 1 attempt (seen by");
    }
}
