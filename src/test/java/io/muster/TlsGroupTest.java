// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.hazelcast.core.HazelcastInstance;
import io.muster.group.MusterException;
import io.muster.options.GroupOptions;
import io.muster.options.MusterOptions;
import io.muster.transfer.tcp.Certificates;
import io.muster.transfer.tcp.Tls;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.json.JsonObject;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whole groups whose connections and event bus are encrypted. */
// S-3
@Timeout(120)
class TlsGroupTest {
    @TempDir
    Path folder;

    private final InMemoryCluster cluster = new InMemoryCluster();
    private final List<AutoCloseable> open = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        cluster.close();
        for (AutoCloseable one : open.reversed()) {
            one.close();
        }
    }

    private static JsonObject settings(Tls tls) {
        return new JsonObject()
                .put("security", new JsonObject().put("secretVariable", "").put("tls", files(tls)))
                .put("transport", new JsonObject().put("helloTimeoutMs", 20_000))
                .put("peer", new JsonObject().put("open", new JsonObject().put("timeoutMs", 30_000)));
    }

    private static JsonObject files(Tls tls) {
        return new JsonObject()
                .put("certificateFile", tls.certificate().toString())
                .put("keyFile", tls.key().toString())
                .put("authoritiesFile", tls.authorities().toString());
    }

    @Test
    void aGroupConnectsAndWritesOverTls() {
        var ours = new Certificates(folder, "ours");
        JoinedRank zero = cluster.start(settings(ours.issue("zero", ours.authorities())))
                .join(GroupOptions.of("g", 0, 2).segment("kv", 8));
        JoinedRank one =
                cluster.start(settings(ours.issue("one", ours.authorities()))).join("g", 1, 2);
        assertThat(InMemoryCluster.await(zero, one).linkCount()).isEqualTo(2);
        try (Arena arena = Arena.ofShared()) {
            var source = arena.allocate(8);
            source.set(ValueLayout.JAVA_LONG, 0, 77);
            Bounded.await(one.write(0, "kv", 0, source), "the write of rank 1");
        }
        assertThat(zero.segment("kv").get(ValueLayout.JAVA_LONG, 0)).isEqualTo(77);
    }

    @Test
    void incompleteTlsSettingsAreReportedByName() {
        assertThatThrownBy(() ->
                        MusterOptions.fromJson(new JsonObject("{\"security\": {\"tls\": {\"keyFile\": \"k.pem\"}}}")))
                .isInstanceOf(MusterException.class)
                .hasMessageContaining("security.tls.certificateFile must be set")
                .hasMessageContaining("security.tls.authoritiesFile must be set");
        assertThatThrownBy(() -> cluster.start(
                        new JsonObject("{\"security\": {\"tls\": {\"keyFile\": \"/no/k.pem\", \"certificateFile\":"
                                + " \"/no/c.pem\", \"authoritiesFile\": \"/no/a.pem\"}}}")))
                .isInstanceOf(MusterException.class)
                .hasMessageContaining("/no/c.pem");
    }

    @Test
    void theEventBusUsesTlsAndRefusesOtherCertificates() throws Exception {
        var ours = new Certificates(folder, "ours");
        var others = new Certificates(folder, "others");
        String name = "tls-" + UUID.randomUUID();
        HazelcastInstance founder = member(name, null);
        Vertx here = vertx(founder, ours.issue("here", ours.authorities()));
        Vertx there = vertx(member(name, founder), ours.issue("there", ours.authorities()));
        Vertx stranger = vertx(member(name, founder), others.issue("stranger", ours.authorities()));
        Bounded.await(
                there.eventBus()
                        .consumer("echo", message -> message.reply(message.body()))
                        .completion(),
                "registering the consumer");
        assertThat(here.eventBus()
                        .request("echo", "x")
                        .await(60, TimeUnit.SECONDS)
                        .body())
                .isEqualTo("x");
        assertThatThrownBy(() -> stranger.eventBus()
                        .request("echo", "x", new io.vertx.core.eventbus.DeliveryOptions().setSendTimeout(3_000))
                        .await(60, TimeUnit.SECONDS))
                .isInstanceOf(Exception.class);
        assertThat(here.eventBus()
                        .request("echo", "y")
                        .await(60, TimeUnit.SECONDS)
                        .body())
                .isEqualTo("y");
    }

    private HazelcastInstance member(String cluster, HazelcastInstance founder) {
        HazelcastInstance hazelcast = LoopbackMember.start(cluster, founder);
        open.add(hazelcast::shutdown);
        return hazelcast;
    }

    private Vertx vertx(HazelcastInstance hazelcast, Tls tls) {
        var options = new VertxOptions();
        MusterOptions.fromJson(new JsonObject().put("security", new JsonObject().put("tls", files(tls))))
                .security()
                .tls()
                .applyTo(options.getEventBusOptions())
                .setHost("127.0.0.1");
        Vertx vertx = Bounded.await(
                Vertx.builder()
                        .with(options)
                        .withClusterManager(new HazelcastClusterManager(hazelcast))
                        .buildClustered(),
                "building a clustered Vert.x");
        open.add(() -> Bounded.await(vertx.close(), "closing Vert.x"));
        return vertx;
    }
}
