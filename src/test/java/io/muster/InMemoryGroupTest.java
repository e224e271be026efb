// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.AllConnected;
import io.muster.group.ProcessId;
import io.muster.group.Proof;
import io.muster.options.GroupOptions;
import io.muster.options.MusterOptions;
import io.muster.options.PrimeOptions;
import io.muster.store.InMemorySegmentStore;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.json.JsonObject;
import io.vertx.junit5.Timeout;
import io.vertx.junit5.VertxExtension;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whole groups over real sockets, with the store in memory: several processes of Muster in one JVM, each with a Vert.x
 * of its own.
 */
@ExtendWith(VertxExtension.class)
@Timeout(value = 60, timeUnit = TimeUnit.SECONDS)
class InMemoryGroupTest {
    private final InMemorySegmentStore.Shared shared = new InMemorySegmentStore.Shared();
    private final List<Vertx> vertxes = new ArrayList<>();
    private final List<Muster> musters = new ArrayList<>();

    private Muster start(MusterOptions options) {
        return start(options, new VertxOptions());
    }

    private Muster start(MusterOptions options, VertxOptions loops) {
        Vertx vertx = Vertx.vertx(loops);
        ProcessId id = ProcessId.random(RandomGenerator.getDefault());
        Muster muster = Bounded.await(
                Muster.start(vertx, shared.store(vertx.getOrCreateContext(), id), id, options), "starting Muster");
        vertxes.add(vertx);
        musters.add(muster);
        return muster;
    }

    @AfterEach
    void closeAll() {
        musters.forEach(muster -> Bounded.await(muster.close(), "closing Muster"));
        vertxes.forEach(vertx -> Bounded.await(vertx.close(), "closing Vert.x"));
    }

    // P-16: a link-open may overtake the news that this rank has its seat, where they run on different event loops;
    // whoever lost one would wait a minute
    @Test
    void losesNoLinkOpenIfEachRankHasItsOwnEventLoop() {
        JsonObject settings =
                new JsonObject().put("peer", new JsonObject().put("open", new JsonObject().put("timeoutMs", 60_000)));
        int processes = 4;
        int worldSize = 4 * processes;
        List<Muster> started = new ArrayList<>();
        for (int process = 0; process < processes; process++) {
            started.add(start(MusterOptions.fromJson(settings), new VertxOptions().setEventLoopPoolSize(8)));
        }
        for (int round = 0; round < 10; round++) {
            List<Future<JoinedRank>> joining = new ArrayList<>();
            for (int rank = 0; rank < worldSize; rank++) {
                joining.add(started.get(rank % processes).join(GroupOptions.of("g" + round, rank, worldSize)));
            }
            for (Future<JoinedRank> joined : joining) {
                assertThat(Bounded.await(
                                        Bounded.await(joined, "joining the group")
                                                .allConnected(Duration.ofSeconds(20)),
                                        "all connected")
                                .linkCount())
                        .isEqualTo(worldSize * (worldSize - 1));
            }
        }
    }

    // R-1, P-2, P-3
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 8})
    void connectsEveryPairWithOneRankPerProcess(int worldSize) {
        List<Future<AllConnected>> waits = new ArrayList<>();
        for (int rank = 0; rank < worldSize; rank++) {
            JoinedRank joined = Bounded.await(
                    start(MusterOptions.defaults()).join(GroupOptions.of("g", rank, worldSize)), "joining the group");
            waits.add(joined.allConnected(Duration.ofSeconds(20)));
        }
        AllConnected first = Bounded.await(waits.getFirst(), "the first wait");
        for (Future<AllConnected> wait : waits) {
            assertThat(Bounded.await(wait, "the wait for all connected").epoch())
                    .isEqualTo(first.epoch());
        }
        assertThat(first.linkCount()).isEqualTo(worldSize * (worldSize - 1));
        assertThat(first.links().getOrDefault(Proof.WARMUP, 0)).isEqualTo(worldSize * (worldSize - 1));
        assertThat(first.pathCount()).isEqualTo(worldSize * (worldSize - 1) / 2);
    }

    // R-1, G-1
    @Test
    void connectsRanksThatShareProcessesByLocalLinks() {
        Muster one = start(MusterOptions.defaults());
        Muster two = start(MusterOptions.defaults());
        List<Future<AllConnected>> waits = new ArrayList<>();
        for (int rank = 0; rank < 6; rank++) {
            waits.add(
                    Bounded.await((rank % 2 == 0 ? one : two).join(GroupOptions.of("g", rank, 6)), "joining the group")
                            .allConnected(Duration.ofSeconds(20)));
        }
        AllConnected connected = Bounded.await(waits.getFirst(), "the first wait");
        assertThat(connected.links()).containsEntry(Proof.LOCAL, 12).containsEntry(Proof.WARMUP, 18);
        assertThat(connected.paths()).isEqualTo(Collections.singletonMap(Proof.WARMUP, 1));
    }

    // P-5
    @Test
    void writesIntoThePeersSegment() {
        JoinedRank zero = Bounded.await(
                start(MusterOptions.defaults()).join(GroupOptions.of("g", 0, 2).segment("kv", 1 << 20)),
                "joining the group");
        JoinedRank one =
                Bounded.await(start(MusterOptions.defaults()).join(GroupOptions.of("g", 1, 2)), "joining the group");
        Bounded.await(one.allConnected(Duration.ofSeconds(20)), "all connected at rank 1");
        try (Arena arena = Arena.ofShared()) {
            MemorySegment source = arena.allocate(1 << 20);
            source.fill((byte) 7);
            Bounded.await(one.write(0, "kv", 0, source), "the write of rank 1");
            assertThat(zero.segment("kv").mismatch(source)).isEqualTo(-1);
            assertThat(zero.segment("kv").get(ValueLayout.JAVA_BYTE, (1 << 20) - 1))
                    .isEqualTo((byte) 7);
        }
    }

    // P-14
    @Test
    void closesTheChannelsThatNoGroupNeedsAndDialsAnewForTheNext() {
        Muster one = start(MusterOptions.defaults());
        Muster two = start(MusterOptions.defaults());
        connectAndLeave(one, two, "kept");
        JoinedRank[] stays = {
            Bounded.await(one.join(GroupOptions.of("kept", 0, 2)), "joining the group"),
            Bounded.await(two.join(GroupOptions.of("kept", 1, 2)), "joining the group")
        };
        long epoch = Bounded.await(stays[0].allConnected(Duration.ofSeconds(20)), "all connected")
                .epoch();
        connectAndLeave(one, two, "passing");
        assertThat(one.process().transport().channel(two.processId()))
                .as("the other group needs it")
                .isPresent();
        assertThat(Bounded.await(stays[0].allConnected(Duration.ofSeconds(20)), "all connected")
                        .epoch())
                .isEqualTo(epoch);
        Bounded.await(Future.all(stays[0].leave(), stays[1].leave()), "future all");
        awaitNoChannel(one, two);
        connectAndLeave(one, two, "next");
        awaitNoChannel(two, one);
    }

    private static void connectAndLeave(Muster one, Muster two, String group) {
        JoinedRank zero = Bounded.await(one.join(GroupOptions.of(group, 0, 2)), "joining the group");
        JoinedRank first = Bounded.await(two.join(GroupOptions.of(group, 1, 2)), "joining the group");
        Bounded.await(zero.allConnected(Duration.ofSeconds(20)), "all connected at rank 0");
        Bounded.await(Future.all(zero.leave(), first.leave()), "future all");
    }

    private static void awaitNoChannel(Muster here, Muster there) {
        Eventually.value(
                "the channel is closed",
                () -> here.process().transport().channel(there.processId()),
                Optional::isEmpty);
    }

    @Test
    void primesAndLeavesNothingBehind() {
        Vertx vertx = Vertx.vertx();
        vertxes.add(vertx);
        assertThat(Bounded.await(
                        Muster.prime(vertx, MusterOptions.defaults().withPrime(_ -> new PrimeOptions(2, 30_000, 3))),
                        "muster prime"))
                .isEqualTo(2);
        Muster one = start(MusterOptions.defaults());
        assertThat(Bounded.await(
                                Bounded.await(one.join(GroupOptions.of("g", 0, 1)), "joining the group")
                                        .allConnected(Duration.ofSeconds(20)),
                                "all connected")
                        .epoch())
                .isEqualTo(1);
    }

    // W-1, W-4
    @Test
    void shortCircuitsWithinASimulatedClique() {
        MusterOptions fabric = MusterOptions.fromJson(new JsonObject()
                .put("warmup", new JsonObject().put("fabric", "7d1f6a52-7f0b-4a39-9d0c-5b1f0f1f3c11/3")));
        List<Future<AllConnected>> waits = new ArrayList<>();
        for (int rank = 0; rank < 3; rank++) {
            waits.add(Bounded.await(start(fabric).join(GroupOptions.of("g", rank, 3)), "joining the group")
                    .allConnected(Duration.ofSeconds(20)));
        }
        assertThat(Bounded.await(waits.getFirst(), "the first wait").links())
                .isEqualTo(Collections.singletonMap(Proof.FABRIC_IMPORT_SIMULATED, 6));
    }

    // B-6, R-7
    @Test
    void completesAGreaterEpochAfterAProcessWasReplaced() {
        start(MusterOptions.defaults());
        JoinedRank zero = Bounded.await(musters.getFirst().join(GroupOptions.of("g", 0, 2)), "joining the group");
        Muster second = start(MusterOptions.defaults());
        Bounded.await(second.join(GroupOptions.of("g", 1, 2)), "joining the group");
        long before = Bounded.await(zero.allConnected(Duration.ofSeconds(20)), "all connected at rank 0")
                .epoch();
        Bounded.await(second.close(), "closing the second Muster");
        JoinedRank again =
                Bounded.await(start(MusterOptions.defaults()).join(GroupOptions.of("g", 1, 2)), "joining the group");
        assertThat(Bounded.await(again.allConnected(Duration.ofSeconds(20)), "all connected after joining again")
                        .epoch())
                .isGreaterThan(before);
        assertThat(Bounded.await(zero.allConnected(Duration.ofSeconds(20)), "all connected at rank 0")
                        .epoch())
                .isGreaterThan(before);
    }
}
