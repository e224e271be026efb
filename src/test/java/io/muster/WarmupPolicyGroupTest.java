// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.bus.Addresses;
import io.muster.fabric.ImportFault;
import io.muster.group.AllConnected;
import io.muster.group.GroupName;
import io.muster.group.Proof;
import io.muster.group.StuckReport;
import io.muster.peer.LinkState;
import io.muster.runtime.PolicyQuestions;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.json.JsonObject;
import io.vertx.junit5.Timeout;
import io.vertx.junit5.VertxExtension;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Whose word decides on the warmup of a link, in whole groups. */
@ExtendWith(VertxExtension.class)
@Timeout(value = 60, timeUnit = TimeUnit.SECONDS)
class WarmupPolicyGroupTest {
    private static final String CLIQUE = "7d1f6a52-7f0b-4a39-9d0c-5b1f0f1f3c11/3";
    private static final Addresses G = new Addresses(new GroupName("g"));

    private final InMemoryCluster cluster = new InMemoryCluster();

    @AfterEach
    void close() {
        cluster.close();
    }

    /** A policy of the application, which short-circuits everything without asking anybody. */
    private static final class AlwaysSkip extends VerticleBase {
        final AtomicInteger asked = new AtomicInteger();

        @Override
        public Future<?> start() {
            return vertx.eventBus()
                    .<JsonObject>localConsumer(G.warmupPolicy(), question -> {
                        asked.incrementAndGet();
                        question.reply(new JsonObject()
                                .put("plan", "SKIP")
                                .put("verdict", true)
                                .put("transport", "tcp")
                                .put(
                                        "reason",
                                        "the application knows better than rank "
                                                + question.body()
                                                        .getJsonObject("peer")
                                                        .getInteger("rank")));
                    })
                    .completion();
        }
    }

    // W-9
    @Test
    void anApplicationsPolicyIsAskedInsteadOfTheBuiltInOne() {
        List<AlwaysSkip> policies = new ArrayList<>();
        List<JoinedRank> ranks = new ArrayList<>();
        for (int rank = 0; rank < 4; rank++) {
            InMemoryCluster.Process process = cluster.start();
            policies.add(new AlwaysSkip());
            Bounded.await(process.vertx().deployVerticle(policies.getLast()), "deploying the verticle");
            ranks.add(process.join("g", rank, 4));
        }
        AllConnected connected = InMemoryCluster.await(ranks);
        assertThat(connected.links()).isEqualTo(Collections.singletonMap(Proof.NONE, 12));
        assertThat(policies).allSatisfy(policy -> assertThat(policy.asked).hasValueGreaterThanOrEqualTo(3));
    }

    // W-9
    @Test
    void aPolicyDeployedLaterIsAskedAboutNewLinks() throws InterruptedException {
        InMemoryCluster.Process first = cluster.start();
        InMemoryCluster.Process second = cluster.start();
        JoinedRank zero = first.join("g", 0, 2);
        JoinedRank one = second.join("g", 1, 2);
        assertThat(InMemoryCluster.await(List.of(zero, one)).links())
                .isEqualTo(Collections.singletonMap(Proof.WARMUP, 2));
        for (InMemoryCluster.Process process : List.of(first, second)) {
            Bounded.await(process.vertx().deployVerticle(new AlwaysSkip()), "deploying the verticle");
        }
        Bounded.await(one.leave(), "leaving with rank 1");
        Thread.sleep(PolicyQuestions.NONE_MS); // so long it may be missed
        assertThat(InMemoryCluster.await(List.of(zero, second.join("g", 1, 2))).links())
                .isEqualTo(Collections.singletonMap(Proof.NONE, 2));
    }

    // W-9
    @Test
    void theDefaultStandsInForAPolicyThatNeverAnswers() {
        AtomicInteger ignored = new AtomicInteger();
        List<JoinedRank> ranks = new ArrayList<>();
        for (int rank = 0; rank < 2; rank++) {
            InMemoryCluster.Process process = cluster.start(new JsonObject()
                    .put("peer", new JsonObject().put("open", new JsonObject().put("timeoutMs", 500))));
            Bounded.await(
                    process.vertx()
                            .eventBus()
                            .localConsumer(G.warmupPolicy(), _ -> ignored.incrementAndGet())
                            .completion(),
                    "registering the consumer");
            ranks.add(process.join("g", rank, 2));
        }
        assertThat(InMemoryCluster.await(ranks).links()).isEqualTo(Collections.singletonMap(Proof.WARMUP, 2));
        assertThat(ignored).hasValueGreaterThanOrEqualTo(2);
        assertThat(connected(ranks.getFirst(), 1).reason()).contains("has not answered", "by default");
    }

    // W-9
    @Test
    void theDefaultStandsInForAnInvalidPolicyAnswer() {
        List<JoinedRank> ranks = new ArrayList<>();
        for (int rank = 0; rank < 2; rank++) {
            InMemoryCluster.Process process = cluster.start();
            Bounded.await(
                    process.vertx()
                            .eventBus()
                            .<JsonObject>localConsumer(
                                    G.warmupPolicy(),
                                    question -> question.reply(
                                            new JsonObject().put("plan", "PRAY").put("verdict", "perhaps")))
                            .completion(),
                    "registering the consumer");
            ranks.add(process.join("g", rank, 2));
        }
        assertThat(InMemoryCluster.await(ranks).links()).isEqualTo(Collections.singletonMap(Proof.WARMUP, 2));
    }

    // W-6
    @Test
    void peersInDifferentModesRefuseEachOtherByName() {
        JoinedRank zero =
                cluster.start(InMemoryCluster.warmup("mode", "exchange")).join("g", 0, 2);
        InMemoryCluster.Process other = cluster.start(InMemoryCluster.warmup("mode", "skip"));
        Future<JsonObject> refused = other.link("g", 1, 0, "REFUSED");
        JoinedRank one = other.join("g", 1, 2);
        assertThat(Bounded.await(refused, "refused").getString("reason"))
                .contains("mode mismatch")
                .contains("local=skip peer=exchange");
        assertThatThrownBy(() -> Bounded.await(one.allConnected(Duration.ofMillis(50)), "all connected at rank 1"))
                .hasMessageContaining("mode mismatch");
        StuckReport report = Bounded.await(one.report(), "the report of rank 1");
        assertThat(report.missing()).singleElement().satisfies(missing -> {
            assertThat(missing.rank()).isZero();
            assertThat(missing.phase()).isEqualTo(StuckReport.Phase.REFUSED);
        });
        assertThat(zero.group()).isEqualTo(one.group());
    }

    // W-1, P-3: the proof says that there is none, wherever it is shown
    @Test
    void skippingIsVisibleEverywhere() {
        InMemoryCluster.Process first = cluster.start(InMemoryCluster.warmup("mode", "skip"));
        Future<JsonObject> link = first.link("g", 0, 1, "CONNECTED");
        Future<JsonObject> event = first.next(G.allConnected(), _ -> true);
        JoinedRank zero = first.join("g", 0, 2);
        JoinedRank one = cluster.start(InMemoryCluster.warmup("mode", "skip")).join("g", 1, 2);
        AllConnected connected = InMemoryCluster.await(zero, one);
        assertThat(connected.links()).isEqualTo(Collections.singletonMap(Proof.NONE, 2));
        assertThat(connected.paths()).isEqualTo(Collections.singletonMap(Proof.NONE, 1));
        assertThat(Bounded.await(link, "link").getString("proof")).isEqualTo("none");
        assertThat(Bounded.await(event, "event").getJsonObject("links").getMap())
                .isEqualTo(Collections.singletonMap("none", 2));
        assertThat(connected(zero, 1).proof()).isEqualTo(Proof.NONE);
    }

    // W-1, W-3: rank 1 can import nothing; the others can
    @Test
    void aFailedImportMovesBothSidesToTheExchangeWithReasons() {
        System.setProperty(ImportFault.PROPERTY, "1");
        List<JoinedRank> ranks = new ArrayList<>();
        try {
            for (int rank = 0; rank < 3; rank++) {
                ranks.add(
                        cluster.start(InMemoryCluster.warmup("fabric", CLIQUE)).join("g", rank, 3));
            }
            AllConnected connected = InMemoryCluster.await(ranks);
            assertThat(connected.links())
                    .containsOnly(
                            java.util.Map.entry(Proof.WARMUP, 4),
                            java.util.Map.entry(Proof.FABRIC_IMPORT_SIMULATED, 2));
        } finally {
            System.clearProperty(ImportFault.PROPERTY);
        }
        assertThat(connected(ranks.get(0), 2).proof()).isEqualTo(Proof.FABRIC_IMPORT_SIMULATED);
        assertThat(connected(ranks.get(0), 1).reason()).contains("INJECTED").contains("imported and touched");
        assertThat(connected(ranks.get(1), 0).reason()).contains("INJECTED").contains("imported and touched");
        assertThat(connected(ranks.get(1), 2).reason()).contains("INJECTED");
    }

    private static LinkState.Connected connected(JoinedRank rank, int peer) {
        return (LinkState.Connected)
                rank.runtime().linkTable().row(rank.member().rank(), peer).state();
    }
}
