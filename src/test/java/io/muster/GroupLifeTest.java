// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.group.GroupSecret;
import io.muster.group.MusterException;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.options.GroupOptions;
import io.muster.segment.RankEntry;
import io.muster.segment.Schema;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.LossEvidence;
import io.muster.transfer.tcp.TestProcess;
import io.muster.wire.Decoded;
import io.vertx.core.json.JsonObject;
import io.vertx.junit5.VertxExtension;
import java.lang.ref.WeakReference;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** What a process keeps for a group, and what it gives back when the start of the group fails or the group ends. */
@ExtendWith(VertxExtension.class)
@Timeout(60)
class GroupLifeTest {
    private static final GroupSecret SECRET = GroupSecret.ofText("a secret of group g alone");
    private static final JsonObject NO_POLLING =
            new JsonObject().put("store", new JsonObject().put("reconcileMs", 3_600_000));

    private final InMemoryCluster cluster = new InMemoryCluster();

    @AfterEach
    void close() {
        cluster.close();
    }

    private static GroupOptions secured(int rank, int worldSize) {
        return GroupOptions.of("g", rank, worldSize).secret(SECRET);
    }

    /** A process without a secret of its own for all groups. */
    private InMemoryCluster.Process start() {
        return cluster.start(InMemoryCluster.secret(Path.of("")));
    }

    @Test
    void aSecondRankOfAnotherWorldSizeIsRefused() {
        InMemoryCluster.Process process = cluster.start();
        JoinedRank zero = process.join("g", 0, 2);
        assertThatThrownBy(() -> process.join("g", 1, 3))
                .isInstanceOfSatisfying(
                        MusterException.class,
                        failure -> assertThat(failure.kind()).isEqualTo(MusterException.Kind.CONFIG))
                .hasMessageContaining("group g has the world size 2 in this process, rank 1 wants 3");
        assertThat(InMemoryCluster.await(zero, process.join("g", 1, 2)).linkCount())
                .isEqualTo(2);
    }

    @Test
    void aGroupThatCouldNotStartLeavesNothingBehind() {
        JoinedRank zero = start().join(secured(0, 2));
        InMemoryCluster.Process other = start();
        Set<String> before = other.vertx().deploymentIDs();

        assertThatThrownBy(() -> other.join(secured(1, 3))).hasMessageContaining("has 2 ranks");

        assertThat(other.vertx().deploymentIDs()).isEqualTo(before);
        assertThat(other.muster().groups().groups()).isEmpty();
        JoinedRank unsecured = other.join("unsecured", 0, 1); // a secret that is still held would forbid this
        Bounded.await(unsecured.leave(), "leaving with the only rank");
        assertThat(InMemoryCluster.await(zero, other.join(secured(1, 2))).linkCount())
                .isEqualTo(2);
    }

    // S-1
    @Test
    void theFirstSecretEndsChannelsThatProvedNone() {
        InMemoryCluster.Process process = start();
        TestProcess stranger = TestProcess.start(process.vertx());
        ProcessAddress address = process.muster().address();
        Channel channel = Bounded.await(stranger.transport.connect(address), "connecting to the process");
        assertThat(channel.isAlive()).isTrue();

        process.join(secured(0, 2));

        Eventually.holds("the channel without a proof has ended", () -> !channel.isAlive());
        stranger.close();
    }

    // with a new identity in the cluster
    @Test
    void aMergedProcessPublishesItsNewIdentity() {
        InMemoryCluster.Process process = cluster.start(NO_POLLING);
        JoinedRank zero = process.join("g", 0, 2);
        String before = published(zero).handle().memberUuid();

        cluster.shared().merge(process.store());

        assertThat(process.store().localMemberUuid()).isNotEqualTo(before);
        Eventually.value(
                "the new identity is published",
                () -> published(zero).handle().memberUuid(),
                process.store().localMemberUuid()::equals);
    }

    //
    @Test
    void aRankWhoseProcessLeftTheStoreIsMarkedGone() {
        JoinedRank zero = cluster.start(NO_POLLING).join("g", 0, 2);
        InMemoryCluster.Process second = cluster.start(NO_POLLING);
        JoinedRank one = second.join("g", 1, 2);
        InMemoryCluster.await(zero, one);

        cluster.crash(second);

        Eventually.value("the entry of rank 1 is marked", () -> published(one).state(), RankEntry.State.GONE::equals);
    }

    private RankEntry published(JoinedRank rank) {
        var bytes = Bounded.await(
                cluster.stranger()
                        .get(InMemoryCluster.keys("g").rank(rank.member().rank())),
                "the stranger's read");
        return ((Decoded.Valid<RankEntry>) Schema.rankEntry(Objects.requireNonNull(bytes))).value();
    }

    @Test
    void aChannelDialledAheadOutlivesAnotherGroup() {
        InMemoryCluster.Process first = cluster.start();
        JoinedRank zero = first.join("g", 0, 2);
        InMemoryCluster.Process second = cluster.start();
        PreparedRank prepared =
                Bounded.await(second.muster().prepare(GroupOptions.of("g", 1, 2)), "preparing the rank");
        Channel ahead = Eventually.value(
                        "a channel to rank 0",
                        () -> second.muster()
                                .process()
                                .transport()
                                .channel(first.muster().processId()),
                        found -> found.isPresent())
                .orElseThrow();

        Bounded.await(second.join("h", 0, 1).leave(), "leaving with the only rank");

        assertThat(ahead.isAlive()).as("the prepared rank needs it").isTrue();
        InMemoryCluster.await(zero, Bounded.await(prepared.publish(), "publishing the rank"));
    }

    // P-14
    @Test
    void aLostChannelIsForgotten() {
        InMemoryCluster.Process first = start();
        InMemoryCluster.Process second = start();
        JoinedRank zero = first.join(secured(0, 2));
        JoinedRank one = second.join(secured(1, 2));
        InMemoryCluster.await(zero, one);
        WeakReference<ChannelGeneration> lost = cut(first, second);
        for (int again = 0; again < 2; again++) { // the transport remembers the last one
            InMemoryCluster.await(zero, one);
            cut(first, second);
        }
        InMemoryCluster.await(zero, one);
        Eventually.holds("nothing refers to the first channel", () -> {
            System.gc();
            return lost.get() == null;
        });
    }

    private static WeakReference<ChannelGeneration> cut(InMemoryCluster.Process here, InMemoryCluster.Process there) {
        ProcessId peer = there.muster().processId();
        Channel channel = Eventually.value(
                        "a channel",
                        () -> here.muster().process().transport().channel(peer),
                        found -> found.isPresent())
                .orElseThrow();
        var generation = new WeakReference<>(channel.generation());
        channel.close(new LossEvidence(LossEvidence.Kind.CLOSED_HERE, "a test"));
        Eventually.value(
                "the loss is known at the other end",
                () -> there.muster().process().transport().channel(here.muster().processId()),
                found -> found.isEmpty() || !found.get().generation().equals(generation.get()));
        return generation;
    }
}
