// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.muster.group.MusterException;
import io.muster.group.WarmupMode;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.lang.reflect.RecordComponent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

// O-1
final class MusterOptionsTest {

    @Test
    void nothingGivenMeansDefaults() {
        assertThat(MusterOptions.fromJson(new JsonObject())).isEqualTo(MusterOptions.defaults());
    }

    @Test
    void readsBackWhatItWrites() {
        JsonObject json = new JsonObject("""
        {"endpoint": {"bind": "0.0.0.0", "advertise": "10.0.0.7", "port": 9000}, "warmup": {"mode": "skip", "fabric": "ab-1/7"},
         "peer": {"backoff": {"maxMs": 64}}, "liveness": {"misses": 5}}""");

        MusterOptions options = MusterOptions.fromJson(json);

        assertThat(options.endpoint()).isEqualTo(new EndpointOptions("0.0.0.0", 9000, 7600, "10.0.0.7"));
        assertThat(options.warmup().mode()).isEqualTo(WarmupMode.SKIP);
        assertThat(options.peer().backoff()).isEqualTo(new PeerOptions.Backoff(64));
        assertThat(options.liveness().limitMs()).isEqualTo(5000);
        assertThat(MusterOptions.fromJson(options.toJson())).isEqualTo(options);
    }

    @Test
    void changesSingleSettingsAndKeepsTheOthers() {
        MusterOptions changed = MusterOptions.defaults()
                .withEndpoint(endpoint -> endpoint.withAdvertise("10.0.0.7").withBind("0.0.0.0"))
                .withLiveness(liveness -> liveness.withInterval(Duration.ofMillis(500)))
                .withPeer(peer -> peer.withOpenTimeout(Duration.ofMillis(11))
                        .withWarmupTimeout(Duration.ofMillis(12))
                        .withBackoffMax(Duration.ofMillis(13))
                        .withCloseTimeout(Duration.ofMillis(14))
                        .withMaxSimultaneousDials(15))
                .withGpu(gpu -> gpu.withLook(Duration.ofNanos(30_001)));

        assertThat(changed).isEqualTo(MusterOptions.fromJson(new JsonObject("""
                {"endpoint": {"bind": "0.0.0.0", "advertise": "10.0.0.7"}, "liveness": {"intervalMs": 500},
                 "peer": {"open": {"timeoutMs": 11}, "warmup": {"timeoutMs": 12}, "backoff": {"maxMs": 13},
                          "maxSimultaneousDials": 15, "close": {"timeoutMs": 14}}, "gpu": {"lookUs": 31}}""")));
    }

    @Test
    void everySettingCanBeChangedByAMethod() {
        for (RecordComponent group : MusterOptions.class.getRecordComponents()) {
            assertThat(MusterOptions.class).hasMethods(wither(group));
            if (group.getType() != PeerOptions.class) {
                for (RecordComponent setting : group.getType().getRecordComponents()) {
                    assertThat(group.getType()).hasMethods(wither(setting));
                }
            }
        }
    }

    private static String wither(RecordComponent setting) {
        String name = setting.getName().replaceFirst("(Ms|Us)$", "");
        return "with" + Character.toUpperCase(name.charAt(0)) + name.substring(1);
    }

    @Test
    void timesAreRoundedUpAndCheckedAsTheSettingIs() {
        LivenessOptions liveness = MusterOptions.defaults().liveness();
        assertThat(liveness.withInterval(Duration.ofNanos(50_000_001)).intervalMs())
                .isEqualTo(51);
        for (Duration wrong :
                List.of(Duration.ZERO, Duration.ofMillis(-1), Duration.ofDays(99_999), Duration.ofDays(-99_999))) {
            assertThat(catchThrowableOfType(MusterException.class, () -> liveness.withInterval(wrong)))
                    .hasMessageContaining("liveness.intervalMs");
        }
    }

    @Test
    void someDefaultsFollowFromOtherSettings() {
        MusterOptions usual = MusterOptions.defaults();
        assertThat(usual.hazelcast().heartbeatIntervalSeconds()).isEqualTo(1);
        assertThat(new HazelcastOptions(0, 2000, 1000).heartbeatIntervalSeconds())
                .isEqualTo(1);
        assertThat(new HazelcastOptions(0, 60_000, 1000).heartbeatIntervalSeconds())
                .isEqualTo(12);
        assertThat(usual.store().slowMs()).isEqualTo(500);
        assertThat(usual.store().republishHedgeMs()).isEqualTo(210);
        assertThat(usual.liveness().limitMs()).isEqualTo(3000);
        assertThat(usual.peer().backoff().initialMs()).isEqualTo(8);
        assertThat(new PeerOptions.Backoff(50).initialMs()).isEqualTo(1);
        assertThat(usual.peer().refusedProbeMs()).isEqualTo(10_240);
        assertThat(usual.peer().policyTimeoutMs()).isEqualTo(1000);
    }

    @Test
    void aNumberOutOfRangeIsNamedByItsPath() {
        List<String> numbers = leaves(MusterOptions.defaults().toJson(), "").stream()
                .filter(path -> at(MusterOptions.defaults().toJson(), path) instanceof Number)
                .toList();
        assertThat(numbers).hasSizeGreaterThan(25);
        for (String path : numbers) {
            assertThat(mistake(with(path, -1_000_000)))
                    .contains(path + " must be ")
                    .contains("got -1000000");
            assertThat(mistake(with(path, Integer.MAX_VALUE)))
                    .contains(path + " must be ")
                    .containsPattern("got 2\\.?147483647");
        }
    }

    @Test
    void aWrongTypeIsNamedByItsPath() {
        for (String path : leaves(MusterOptions.defaults().toJson(), "")) {
            assertThat(mistake(with(path, new JsonArray())))
                    .startsWith("wrong setting: " + path + " must be ")
                    .endsWith("got []");
            assertThat(mistake(with(path, null))).startsWith("wrong setting: " + path + " must be ");
        }
        assertThat(mistake(with("liveness.misses", "3")))
                .isEqualTo("wrong setting: liveness.misses must be a whole number, got the text '3'");
        assertThat(mistake(with("liveness.misses", 2.5)))
                .isEqualTo("wrong setting: liveness.misses must be a whole number, got 2.5");
        assertThat(mistake(with("liveness.misses", 1L << 32))).contains("liveness.misses must be a whole number");
        assertThat(mistake(with("liveness", 3)))
                .isEqualTo("wrong setting: liveness must be a group of settings, got 3");
    }

    @Test
    void anUnknownKeyGetsASuggestion() {
        assertThat(mistake(with("peer.warmup.timeoutMS", 1)))
                .isEqualTo("wrong setting: peer.warmup.timeoutMS is no setting; did you mean peer.warmup.timeoutMs?");
        assertThat(mistake(with("livenes.misses", 1)))
                .isEqualTo("wrong setting: livenes is no setting; did you mean liveness?");
        assertThat(mistake(with("status.colour", 1)))
                .isEqualTo("wrong setting: status.colour is no setting; there are nodeTimeoutMs, loopLimitMs");
    }

    @Test
    void allMistakesAreReportedTogether() {
        JsonObject json = new JsonObject("""
        {"endpoint": {"port": 70000, "controlPort": "x"}, "peer": {"backoff": {"maxMs": 0}, "opne": {}},
         "warmup": {"mode": "sometimes"}, "nonsense": 1}""");

        assertThat(mistake(json).lines())
                .containsExactlyInAnyOrder(
                        "6 wrong settings:",
                        "  endpoint.port must be 0 to 65535 port number (0: any), got 70000",
                        "  endpoint.controlPort must be a whole number, got the text 'x'",
                        "  peer.backoff.maxMs must be 1 to 600000 ms, got 0",
                        "  peer.opne is no setting; did you mean peer.open?",
                        "  warmup.mode must be one of auto, exchange, skip, fabric, got 'sometimes'",
                        "  nonsense is no setting; there are endpoint, hazelcast, store, liveness, peer, transport, gpu, security, warmup, barrier, status, flight, prime, shutdown");
    }

    @Test
    void modeFabricIsNotAvailableYet() {
        assertThat(MusterOptions.fromJson(with("warmup.mode", "fabric"))
                        .warmup()
                        .mode())
                .isEqualTo(WarmupMode.FABRIC);
    }

    @Test
    void aWildcardIsNoAddressToDial() {
        assertThat(mistake(with("endpoint.bind", "0.0.0.0")))
                .contains("endpoint.advertise must be set when endpoint.bind is '0.0.0.0'");
        assertThat(mistake(with("endpoint.advertise", "::"))).contains("endpoint.advertise must be one address");
        assertThat(mistake(with("endpoint.bind", "not a host")))
                .contains("endpoint.bind must be a host name or an IP address");
        assertThat(OwnAddress.of(MusterOptions.defaults().endpoint()).advertised())
                .isEqualTo("127.0.0.1");
    }

    @Test
    void settingsThatContradictEachOtherAreRefused() {
        assertThat(mistake(with("hazelcast.mergeDelayMs", 1500))).contains("multiple of 1000 ms");
        assertThat(mistake(with("liveness.intervalMs", 33)))
                .contains("liveness.intervalMs times liveness.misses must be at least 100 ms");
        assertThat(mistake(with("transport.maxFrameBytes", 65_536)))
                .contains("transport.maxFrameBytes must be 131072 to");
        assertThat(mistake(with("endpoint.port", 7600)))
                .contains("endpoint.controlPort must differ from endpoint.port");
        assertThat(mistake(with("warmup.fabric", "here"))).contains("warmup.fabric must be CLUSTERUUID/CLIQUE");
        assertThat(mistake(with("store.mapName", "a/b"))).contains("store.mapName must be 1 to 64 of");
    }

    private static String mistake(JsonObject json) {
        MusterException wrong = catchThrowableOfType(MusterException.class, () -> MusterOptions.fromJson(json));
        assertThat(wrong).as("no mistake found in " + json).isNotNull();
        assertThat(wrong.kind()).isEqualTo(MusterException.Kind.CONFIG);
        return wrong.getMessage();
    }

    private static JsonObject with(String path, Object value) {
        int dot = path.indexOf('.');
        return dot < 0
                ? new JsonObject().put(path, value)
                : new JsonObject().put(path.substring(0, dot), with(path.substring(dot + 1), value));
    }

    private static Object at(JsonObject json, String path) {
        int dot = path.indexOf('.');
        return dot < 0 ? json.getValue(path) : at(json.getJsonObject(path.substring(0, dot)), path.substring(dot + 1));
    }

    private static List<String> leaves(JsonObject json, String prefix) {
        List<String> paths = new ArrayList<>();
        json.forEach(entry -> {
            if (entry.getValue() instanceof JsonObject nested) {
                paths.addAll(leaves(nested, prefix + entry.getKey() + "."));
            } else {
                paths.add(prefix + entry.getKey());
            }
        });
        return paths;
    }
}
