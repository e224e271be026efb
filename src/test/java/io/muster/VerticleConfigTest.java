// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.muster.group.MusterException;
import io.muster.options.GroupOptions;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import org.junit.jupiter.api.Test;

// O-1
class VerticleConfigTest {
    @Test
    void readsOneRank() {
        VerticleConfig config = VerticleConfig.fromJson(new JsonObject("""
        {"group": "ep", "rank": 3, "worldSize": 4, "segments": {"kv": 1048576, "scratch": 5000000000},
         "muster": {"liveness": {"misses": 5}}, "requireAllConnectedWithinMs": 30000}"""));

        assertThat(config.joins())
                .containsExactly(
                        GroupOptions.of("ep", 3, 4).segment("kv", 1 << 20).segment("scratch", 5_000_000_000L));
        assertThat(config.muster().liveness().misses()).isEqualTo(5);
        assertThat(config.allConnectedWithin()).isEqualTo(Duration.ofSeconds(30));
    }

    @Test
    void readsAListOfRanks() {
        VerticleConfig config = VerticleConfig.fromJson(new JsonObject("""
        {"join": [{"group": "ep", "rank": 0, "worldSize": 2}, {"group": "tp", "rank": 1, "worldSize": 8, "segments": {"kv": 1}}]}"""));

        assertThat(config.joins())
                .containsExactly(
                        GroupOptions.of("ep", 0, 2), GroupOptions.of("tp", 1, 8).segment("kv", 1));
        assertThat(config.muster()).isNull();
        assertThat(config.allConnectedWithin()).isNull();
    }

    @Test
    void readsSegmentsOnGpus() {
        VerticleConfig config = VerticleConfig.fromJson(new JsonObject("""
        {"group": "ep", "rank": 0, "worldSize": 2, "segments": {"kv": 4096, "hot": {"bytes": 5000000000, "gpu": 3}}}"""));
        assertThat(config.joins())
                .containsExactly(GroupOptions.of("ep", 0, 2).segment("kv", 4096).gpuSegment("hot", 3, 5_000_000_000L));

        assertThat(mistake("""
        {"group": "ep", "rank": 0, "worldSize": 2, "segments": {"a": {"bytes": 1}, "b": {"gpu": 0, "bytes": "1"}, "c": {"gpu": -1, "bytes": 1},
         "d": {"gpu": 0, "bytes": 0}, "e": {"gpu": 0, "bytes": 1, "size": 2}, "f": []}}""").lines())
                .containsExactlyInAnyOrder(
                        "6 wrong settings:",
                        "  segments.a.gpu must be a whole number, got null",
                        "  segments.b.bytes must be a whole number of bytes, got 1",
                        "  segments is wrong: segment 'c': GPUs are counted from 0, got -1",
                        "  segments is wrong: segment 'd': must have at least 1 byte, got 0",
                        "  segments.e.size is no setting; there are bytes, gpu",
                        "  segments.f must be a whole number of bytes, or an object of bytes and gpu, got []");
    }

    @Test
    void reportsAllMistakesTogether() {
        assertThat(mistake("""
        {"join": [{"group": "e/p", "rank": "0", "worldSize": 2, "segments": {"": 1, "kv": 1.5}}, {"group": "ep", "rank": 7, "worldSize": 4},
                  {"group": "tp", "rank": 0, "worldSize": 2, "colour": 1}, {"group": "tp", "rank": 0, "worldSize": 3}, 5],
         "muster": {"endpoint": {"port": 70000}, "livenes": {}}, "requireAllConnectedWithinMs": 0, "whatever": true}""").lines())
                .containsExactlyInAnyOrder(
                        "13 wrong settings:",
                        "  join[0].group is wrong: group name must be 1 to 64 of A-Z a-z 0-9 . _ -, got 'e/p'",
                        "  join[0].rank must be a whole number, got the text '0'",
                        "  join[0].segments is wrong: segment '': the name must have 1 to 64 characters and not be blank, got 0",
                        "  join[0].segments.kv must be a whole number of bytes, or an object of bytes and gpu, got 1.5",
                        "  join[1].rank is wrong: rank 7 is outside the world size 4: ranks are 0..3",
                        "  join[2].colour is no setting; there are group, rank, worldSize, segments, secretFile",
                        "  join[4] must be an object with group, rank and worldSize, got 5",
                        "  join has two world sizes for group tp: 2 and 3",
                        "  join has rank 0 of group tp twice",
                        "  muster.endpoint.port must be 0 to 65535 port number (0: any), got 70000",
                        "  muster.livenes is no setting; did you mean liveness?",
                        "  requireAllConnectedWithinMs must be 1 to 86400000 ms, got 0",
                        "  whatever is no setting; there are group, rank, worldSize, segments, secretFile, join, muster, requireAllConnectedWithinMs");
    }

    @Test
    void saysWhatIsMissing() {
        assertThat(mistake("{}"))
                .contains("group is missing: give group, rank and worldSize, or a list of such objects as join");
        assertThat(mistake("{\"group\": \"ep\"}"))
                .contains("rank must be a whole number, got null")
                .contains("worldSize must be");
        assertThat(mistake("{\"join\": []}")).contains("join must be a list of at least one object");
        assertThat(mistake("{\"join\": [{\"group\": \"a\", \"rank\": 0, \"worldSize\": 1}], \"rank\": 1}"))
                .contains("join must not be combined with rank");
        assertThat(mistake("{\"group\": \"a\", \"rank\": 0, \"worldSize\": 1, \"muster\": 3}"))
                .contains("muster must be a group of settings");
    }

    private static String mistake(String json) {
        MusterException wrong =
                catchThrowableOfType(MusterException.class, () -> VerticleConfig.fromJson(new JsonObject(json)));
        assertThat(wrong).as("no mistake found in " + json).isNotNull();
        assertThat(wrong.kind()).isEqualTo(MusterException.Kind.CONFIG);
        return wrong.getMessage();
    }
}
