// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.bus.Addresses;
import io.muster.group.GroupName;
import io.muster.group.Member;
import io.muster.group.MusterException;
import io.muster.group.StuckReport;
import io.muster.peer.LinkState;
import io.muster.segment.EpochRecord;
import io.muster.segment.Schema;
import io.muster.store.InMemorySegmentStore;
import io.muster.transfer.LossEvidence;
import io.muster.wire.Decoded;
import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import io.vertx.junit5.Timeout;
import io.vertx.junit5.VertxExtension;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Coming, going, being lost and being found again, in one and in several groups. */
@ExtendWith(VertxExtension.class)
@Timeout(value = 60, timeUnit = TimeUnit.SECONDS)
class MembershipGroupTest {
    private final InMemoryCluster cluster = new InMemoryCluster();

    @AfterEach
    void close() {
        cluster.close();
    }

    private static Addresses of(String group) {
        return new Addresses(new GroupName(group));
    }

    // G-2
    @Test
    void noRankIsBlamedWhenOneLeaves() {
        InMemoryCluster.Process first = cluster.start();
        InMemoryCluster.Process second = cluster.start();
        JoinedRank zero = first.join("g", 0, 3);
        JoinedRank one = second.join("g", 1, 3);
        JoinedRank two = cluster.start().join("g", 2, 3);
        InMemoryCluster.await(zero, one, two);
        List<Future<JsonObject>> degraded = List.of(first.degraded("g"), second.degraded("g"));
        Bounded.await(two.leave(), "leaving with rank 2");
        for (Future<JsonObject> heard : degraded) {
            assertThat(Bounded.await(heard, "heard").getJsonArray("lost")).hasSize(1);
            JsonObject lost = Bounded.await(heard, "heard").getJsonArray("lost").getJsonObject(0);
            assertThat(lost.getInteger("rank")).isEqualTo(2);
            assertThat(lost.getString("reason")).isEqualTo("LEFT");
            assertThat(lost.getLong("incarnation")).isEqualTo(two.member().incarnation());
        }
        assertThat(zero.runtime().linkTable().row(0, 1).state()).isInstanceOf(LinkState.Connected.class);
        assertThat(Bounded.await(zero.report(), "the report of rank 0").missing())
                .singleElement()
                .satisfies(missing -> {
                    assertThat(missing.rank()).isEqualTo(2);
                    assertThat(missing.phase()).isEqualTo(StuckReport.Phase.LEFT);
                    assertThat(missing.lastError()).contains("left in order");
                });
        assertThatThrownBy(() -> Bounded.await(two.allConnected(InMemoryCluster.PATIENCE), "all connected at rank 2"))
                .isInstanceOfSatisfying(
                        MusterException.class,
                        refused -> assertThat(refused.kind()).isEqualTo(MusterException.Kind.FATAL));
        JoinedRank back = cluster.start().join("g", 2, 3);
        InMemoryCluster.await(zero, one, back);
    }

    // B-6, P-11
    @Test
    void aLinkReportedByTheApplicationIsRebuilt() {
        InMemoryCluster.Process first = cluster.start();
        JoinedRank zero = first.join("g", 0, 2);
        InMemoryCluster.Process second = cluster.start();
        JoinedRank one = second.join("g", 1, 2);
        long epoch = InMemoryCluster.await(zero, one).epoch();
        Future<JsonObject> degraded = first.degraded("g");
        Future<JsonObject> degradedThere = second.degraded("g");
        first.vertx()
                .eventBus()
                .send(
                        of("g").report(),
                        new JsonObject()
                                .put("rank", 0)
                                .put("peer", 1)
                                .put("incarnation", one.member().incarnation())
                                .put("reason", "its answers look wrong"));
        JsonObject lost = Bounded.await(degraded, "the event of the loss")
                .getJsonArray("lost")
                .getJsonObject(0);
        assertThat(lost.getInteger("rank")).isEqualTo(1);
        assertThat(lost.getString("reason")).isEqualTo("REPORTED");
        assertThat(lost.getString("evidence")).contains("its answers look wrong");
        assertThat(lost.getInteger("reportedBy")).isZero();
        assertThat(Bounded.await(degraded, "the event of the loss").getLong("epoch"))
                .isEqualTo(epoch);
        Bounded.await(degradedThere, "the event of the loss at the other process");
        assertThat(InMemoryCluster.await(zero, one).epoch()).isGreaterThan(epoch);
    }

    // B-6: what is said about an older life, or about nobody, is not believed
    @Test
    void aReportAboutAnOlderLifeIsIgnored() {
        InMemoryCluster.Process first = cluster.start();
        JoinedRank zero = first.join("g", 0, 2);
        JoinedRank one = cluster.start().join("g", 1, 2);
        long epoch = InMemoryCluster.await(zero, one).epoch();
        Future<JsonObject> degraded = first.degraded("g");
        var bus = first.vertx().eventBus();
        bus.send(
                of("g").report(),
                new JsonObject()
                        .put("rank", 0)
                        .put("peer", 1)
                        .put("incarnation", one.member().incarnation() - 1));
        bus.send(of("g").report(), new JsonObject().put("rank", 0).put("peer", 7));
        bus.send(of("g").report(), new JsonObject().put("rank", 1).put("peer", 0));
        bus.send(of("g").report(), new JsonObject().put("rank", "zero"));
        bus.send(of("g").report(), new JsonObject());
        Bounded.await(zero.report(), "the report of rank 0");
        assertThat(InMemoryCluster.await(zero, one).epoch()).isEqualTo(epoch);
        assertThat(degraded.isComplete()).isFalse();
    }

    // G-1
    @Test
    void groupsOfDifferentSizeLiveSideBySide() {
        List<InMemoryCluster.Process> processes = List.of(cluster.start(), cluster.start(), cluster.start());
        List<JoinedRank> small = new ArrayList<>();
        List<JoinedRank> large = new ArrayList<>();
        for (int rank = 0; rank < 2; rank++) {
            small.add(processes.get(rank).join("small", rank, 2));
        }
        for (int rank = 0; rank < 7; rank++) {
            large.add(processes.get(rank % 3).join("large", rank, 7));
        }
        JoinedRank alone = processes.getLast().join("alone", 0, 1);
        assertThat(InMemoryCluster.await(small).linkCount()).isEqualTo(2);
        assertThat(InMemoryCluster.await(large).linkCount()).isEqualTo(42);
        assertThat(InMemoryCluster.await(alone).linkCount()).isZero();
    }

    // G-1, R-6
    @Test
    void aGroupNameCanBeReusedAlsoWithAnotherSize() {
        List<InMemoryCluster.Process> processes = List.of(cluster.start(), cluster.start(), cluster.start());
        for (int round = 0; round < 10; round++) {
            List<JoinedRank> ranks = new ArrayList<>();
            for (int rank = 0; rank < 2; rank++) {
                ranks.add(processes.get(rank).join("g", rank, 2));
            }
            InMemoryCluster.await(ranks);
            Bounded.await(Future.all(ranks.stream().map(JoinedRank::leave).toList()), "future all");
            processes.forEach(process -> {
                assertThat(process.muster().groups().groups()).isEmpty();
                assertThat(process.vertx().deploymentIDs()).isEmpty();
            });
        }
    }

    // G-1: a rank that leaves and comes back into a process that holds another one
    @Test
    void aRankLeavesAndComesBackIntoTheSameProcess() {
        InMemoryCluster.Process first = cluster.start();
        JoinedRank zero = first.join("g", 0, 3);
        JoinedRank two = cluster.start().join("g", 2, 3);
        int without = first.vertx().deploymentIDs().size();
        for (int round = 0; round < 10; round++) {
            JoinedRank one = first.join("g", 1, 3);
            InMemoryCluster.await(zero, one, two);
            Bounded.await(one.leave(), "leaving with rank 1");
            assertThat(first.vertx().deploymentIDs())
                    .as("a verticle of the former link would take its successor's messages")
                    .hasSize(without);
        }
    }

    // P-12
    @Test
    void aCutBetweenTwoProcessesRebuildsAllTheirGroups() {
        InMemoryCluster.Process first = cluster.start();
        InMemoryCluster.Process second = cluster.start();
        List<List<JoinedRank>> groups = List.of(
                List.of(first.join("a", 0, 2), second.join("a", 1, 2)),
                List.of(second.join("b", 0, 4), second.join("b", 1, 4), first.join("b", 2, 4), first.join("b", 3, 4)));
        List<Long> before = groups.stream()
                .map(group -> InMemoryCluster.await(group).epoch())
                .toList();
        List<Future<JsonObject>> degraded =
                List.of(first.degraded("a"), first.degraded("b"), second.degraded("a"), second.degraded("b"));
        first.muster()
                .process()
                .transport()
                .channel(second.muster().processId())
                .orElseThrow()
                .close(new LossEvidence(LossEvidence.Kind.CLOSED_HERE, "cut by the test"));
        Bounded.await(Future.all(degraded), "future all");
        for (int group = 0; group < 2; group++) {
            assertThat(InMemoryCluster.await(groups.get(group)).epoch()).isGreaterThan(before.get(group));
        }
    }

    // P-12, B-6: with the evidence of the path, before the store says anything
    @Test
    void theLossOfAProcessIsSeenInEveryGroup() {
        InMemoryCluster.Process first = cluster.start();
        InMemoryCluster.Process second = cluster.start();
        JoinedRank a = first.join("a", 0, 2);
        JoinedRank b = first.join("b", 1, 2);
        JoinedRank aLost = second.join("a", 1, 2);
        JoinedRank bLost = second.join("b", 0, 2);
        InMemoryCluster.await(a, aLost);
        InMemoryCluster.await(b, bLost);
        List<Future<JsonObject>> degraded = List.of(first.degraded("a"), first.degraded("b"));
        cluster.crash(second);
        for (Future<JsonObject> heard : degraded) {
            assertThat(Bounded.await(heard, "heard")
                            .getJsonArray("lost")
                            .getJsonObject(0)
                            .getString("reason"))
                    .as("a Vert.x that closes may still say so on a link before its sockets are closed")
                    .isIn("SOCKET_CLOSED", "CLOSED_BY_PEER");
        }
        InMemoryCluster.Process third = cluster.start();
        InMemoryCluster.await(a, third.join("a", 1, 2));
        InMemoryCluster.await(b, third.join("b", 0, 2));
    }

    // G-3
    @Test
    void lostLinksAndDeadProcessesDoNotChangeTheMembership() {
        InMemoryCluster.Process first = cluster.start();
        InMemoryCluster.Process second = cluster.start();
        InMemoryCluster.Process third = cluster.start();
        JoinedRank zero = first.join("g", 0, 3);
        JoinedRank one = second.join("g", 1, 3);
        JoinedRank two = third.join("g", 2, 3);
        InMemoryCluster.await(zero, one, two);
        InMemorySegmentStore store = cluster.stranger();
        List<Member> members = epoch(store).vector();
        assertThat(members).containsExactly(zero.member(), one.member(), two.member());
        List<Future<JsonObject>> linkLost = List.of(first.degraded("g"), second.degraded("g"), third.degraded("g"));
        first.vertx()
                .eventBus()
                .send(
                        of("g").report(),
                        new JsonObject()
                                .put("rank", 0)
                                .put("peer", 1)
                                .put("incarnation", one.member().incarnation())
                                .put("reason", "cut for once"));
        linkLost.forEach(lost -> Bounded.await(lost, "the events of the loss"));
        long mended = InMemoryCluster.await(zero, one, two).epoch();
        assertThat(epoch(store).vector()).as("after a lost link").isEqualTo(members);
        List<Future<JsonObject>> processLost = List.of(first.degraded("g"), second.degraded("g"));
        cluster.crash(third);
        processLost.forEach(lost -> Bounded.await(lost, "the events of the loss"));
        for (JoinedRank left : List.of(zero, one)) {
            assertThatThrownBy(() ->
                            Bounded.await(left.allConnected(Duration.ofMillis(300)), "the wait of the rank that left"))
                    .as("two are not all")
                    .isInstanceOfSatisfying(
                            MusterException.class,
                            late -> assertThat(late.kind()).isEqualTo(MusterException.Kind.RETRY))
                    .hasMessageContaining("rank 2: ");
        }
        assertThat(epoch(store)).satisfies(ended -> {
            assertThat(ended.state()).isEqualTo(EpochRecord.State.DEGRADED);
            assertThat(ended.number()).as("no epoch without it was opened").isEqualTo(mended);
            assertThat(ended.vector()).isEqualTo(members);
        });
        JoinedRank back = cluster.start().join("g", 2, 3);
        InMemoryCluster.await(zero, one, back);
        assertThat(epoch(store).vector())
                .as("the seat is filled again")
                .containsExactly(zero.member(), one.member(), back.member());
    }

    private static EpochRecord epoch(InMemorySegmentStore store) {
        return ((Decoded.Valid<EpochRecord>) Schema.epochRecord(Objects.requireNonNull(
                        Bounded.await(store.get(InMemoryCluster.keys("g").epoch()), "reading the store"))))
                .value();
    }
}
