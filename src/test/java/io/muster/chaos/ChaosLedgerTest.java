// SPDX-License-Identifier: Apache-2.0

package io.muster.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.chaos.ChaosFault.Kind;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The verdict of a run: what counts as blamed right, and what as a wrong accusation. */
class ChaosLedgerTest {
    private static final long MS = 1_000_000;
    private final ChaosLedger ledger = new ChaosLedger();

    private static JsonObject degraded(long epoch, long atNanos, String reason, int... lost) {
        return new JsonObject()
                .put("epoch", epoch)
                .put("atNanos", atNanos)
                .put(
                        "lost",
                        new JsonArray(IntStream.of(lost)
                                .mapToObj(rank -> new JsonObject()
                                        .put("rank", rank)
                                        .put("reason", reason)
                                        .put("evidence", "e")
                                        .put("reportedBy", 0))
                                .toList()));
    }

    private void begin(Kind kind, Set<Integer> ranks) {
        Set<Integer> others = new HashSet<>(Set.of(0, 1, 2, 3));
        others.removeAll(ranks);
        ledger.begin(kind, ranks, others, 1000 * MS);
    }

    @Test
    void aKillThatAllOthersReportIsBlamedRight() {
        begin(Kind.KILL, Set.of(2));
        for (int reporter : new int[] {0, 1, 3}) {
            assertThat(ledger.isReported()).isFalse();
            ledger.degraded(reporter, degraded(7, (1010 + reporter) * MS, "SOCKET_CLOSED", 2));
        }
        assertThat(ledger.isReported()).isTrue();
        assertThat(ledger.reportedAfterMs())
                .containsExactlyInAnyOrderEntriesOf(java.util.Map.of(0, 10L, 1, 11L, 3, 13L));
        ledger.end(3000 * MS);
        ledger.degraded(0, degraded(7, 4000 * MS, "SOCKET_CLOSED", 2));
        assertThat(ledger.isRight())
                .as("the bus repeats what was right: %s", ledger.wrongAccusations())
                .isTrue();
        assertThat(ledger.toJson().getLong("longestToReportMs")).isEqualTo(13);
        assertThat(ledger.toJson().getLong("longestToAllConnectedMs")).isEqualTo(2000);
        assertThat(ledger.killed()).isEqualTo(1);
    }

    @Test
    void namingARankOtherThanTheVictimIsAWrongAccusation() {
        begin(Kind.STOP, Set.of(2));
        ledger.degraded(0, degraded(7, 1010 * MS, "SILENCE", 2));
        ledger.degraded(2, degraded(7, 1020 * MS, "SOCKET_CLOSED", 0));
        assertThat(ledger.wrongAccusations())
                .singleElement()
                .asString()
                .contains("rank 2 names rank 0 in epoch 7")
                .contains("while stop of ranks [2]");
        ledger.degraded(1, degraded(7, 1030 * MS, "SILENCE", 2, 1));
        assertThat(ledger.wrongAccusations()).hasSize(2);
        assertThat(ledger.isRight()).isFalse();
        assertThat(ledger.notBlamedRight())
                .singleElement()
                .asString()
                .contains("a rank that the fault did not hit was named");
    }

    @Test
    void anAccusationOutsideOfAFaultIsWrong() {
        ledger.degraded(0, degraded(7, 500 * MS, "SILENCE", 2));
        begin(Kind.KILL, Set.of(2));
        ledger.degraded(0, degraded(7, 999 * MS, "SILENCE", 2));
        assertThat(ledger.wrongAccusations()).hasSize(2);
    }

    @Test
    void anAccusationInALaterEpochIsWrong() {
        begin(Kind.KILL, Set.of(2));
        ledger.degraded(0, degraded(7, 1010 * MS, "SOCKET_CLOSED", 2));
        ledger.end(2000 * MS);
        ledger.degraded(0, degraded(8, 2500 * MS, "SOCKET_CLOSED", 2));
        assertThat(ledger.wrongAccusations())
                .singleElement()
                .asString()
                .contains("in epoch 8")
                .contains("while no fault was active");
    }

    @Test
    void aFaultThatNotAllOthersReportIsNotBlamedRight() {
        begin(Kind.KILL, Set.of(2));
        ledger.degraded(0, degraded(7, 1010 * MS, "SOCKET_CLOSED", 2));
        ledger.end(2000 * MS);
        assertThat(ledger.isRight()).isFalse();
        assertThat(ledger.notBlamedRight()).singleElement().asString().contains("reported by ranks [0] of");
    }

    @Test
    void aRankThatLeavesMustBeReportedAsLeft() {
        begin(Kind.LEAVE, Set.of(2));
        for (int reporter : new int[] {0, 1, 3}) {
            ledger.degraded(reporter, degraded(7, 1010 * MS, "LEFT", 2));
        }
        ledger.end(2000 * MS);
        assertThat(ledger.isRight()).isTrue();
        ledger.begin(Kind.LEAVE, Set.of(1), Set.of(0, 2, 3), 3000 * MS);
        ledger.degraded(0, degraded(8, 3010 * MS, "SOCKET_CLOSED", 1));
        assertThat(ledger.wrongAccusations()).hasSize(1);
    }

    @Test
    void namingAShortStopIsWrongUnlessItLastedTooLong() {
        begin(Kind.SHORT_STOP, Set.of(2));
        ledger.end(2000 * MS);
        assertThat(ledger.isRight()).isTrue();
        begin(Kind.SHORT_STOP, Set.of(2));
        ledger.excuse();
        ledger.degraded(0, degraded(7, 1010 * MS, "SILENCE", 2));
        ledger.end(2000 * MS);
        assertThat(ledger.isRight()).isTrue();
        assertThat(ledger.toJson().getLong("notJudged")).isEqualTo(1);
        begin(Kind.SHORT_STOP, Set.of(2));
        ledger.degraded(0, degraded(8, 1010 * MS, "SILENCE", 2));
        assertThat(ledger.isRight()).isFalse();
    }

    private static JsonObject finding(String kind, long atNanos, int... ranks) {
        JsonArray processes = new JsonArray(IntStream.of(ranks)
                .mapToObj(rank -> new JsonObject().put("ranks", new JsonArray().add(rank)))
                .toList());
        return new JsonObject()
                .put("text", "t")
                .put("atNanos", atNanos)
                .put(
                        "findings",
                        new JsonArray()
                                .add(
                                        kind.equals("block")
                                                ? new JsonObject()
                                                        .put("kind", kind)
                                                        .put(
                                                                "unheard",
                                                                new JsonArray(IntStream.of(ranks)
                                                                        .boxed()
                                                                        .toList()))
                                                : new JsonObject()
                                                        .put("kind", kind)
                                                        .put("processes", processes)));
    }

    @Test
    void judgesBlameAsWellAsLosses() {
        begin(Kind.STOP, Set.of(2));
        ledger.blamed(0, finding("process", 1500 * MS, 2));
        ledger.blamed(0, finding("pair", 1500 * MS, 0, 2));
        ledger.blamed(0, finding("block", 1500 * MS, 2));
        ledger.end(2000 * MS);
        ledger.blamed(1, finding("process", 11_000 * MS, 2));
        assertThat(ledger.wrongAccusations()).isEmpty();
        ledger.blamed(1, finding("process", 13_000 * MS, 2));
        assertThat(ledger.wrongAccusations())
                .as("too late to be about the stop")
                .hasSize(1);
        ledger.begin(Kind.KILL, Set.of(1), Set.of(0, 2, 3), 20_000 * MS);
        ledger.blamed(0, finding("process", 20_100 * MS, 2));
        ledger.blamed(0, finding("pair", 20_100 * MS, 0, 2));
        ledger.blamed(0, finding("block", 20_100 * MS, 1, 2));
        assertThat(ledger.wrongAccusations()).hasSize(4);
        assertThat(ledger.wrongAccusations().getLast()).contains("while kill of ranks [1]");
    }

    @Test
    void theScheduleDependsOnTheSeedOnly() {
        assertThat(schedule(7)).isEqualTo(schedule(7)).isNotEqualTo(schedule(8));
        assertThat(schedule(7)).extracting(ChaosFault::kind).containsAll(EnumSet.allOf(Kind.class));
        assertThat(schedule(7))
                .as("the first included")
                .anyMatch(
                        fault -> fault.kind() == Kind.KILL && fault.processes().contains(0));
    }

    @ParameterizedTest
    @EnumSource
    void neverEndsSparedProcessesAndHitsTwoDistinctOnes(Kind kind) {
        var random = new SplittableRandom(1);
        for (int i = 0; i < 200; i++) {
            ChaosFault fault = ChaosFault.of(kind, random, 5, 4, 1000);
            assertThat(fault.processes())
                    .doesNotHaveDuplicates()
                    .hasSize(kind == Kind.KILL_TWO || kind == Kind.STOP_TWO ? 2 : 1);
            if (kind == Kind.STOP || kind == Kind.STOP_TWO) {
                assertThat(fault.holdMs()).isGreaterThan(1200);
            } else if (kind == Kind.SHORT_STOP) {
                assertThat(fault.holdMs()).isBetween(100L, 700L);
            } else {
                assertThat(fault.processes()).allMatch(process -> process < 4);
            }
        }
    }

    private static List<ChaosFault> schedule(long seed) {
        var random = new SplittableRandom(seed);
        return IntStream.range(0, 60)
                .mapToObj(_ -> ChaosFault.next(random, 4, 4, 3000))
                .toList();
    }
}
