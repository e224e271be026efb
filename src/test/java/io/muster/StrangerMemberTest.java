// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.map.IMap;
import com.hazelcast.map.listener.EntryUpdatedListener;
import com.hazelcast.nio.serialization.HazelcastSerializationException;
import io.muster.bus.Addresses;
import io.muster.group.GroupName;
import io.muster.group.GroupSecret;
import io.muster.options.GroupOptions;
import io.muster.options.MusterHazelcast;
import io.muster.options.MusterOptions;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.json.JsonObject;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A full member of the Hazelcast cluster, and of the Vert.x cluster over it, that does not know the group's secret:
 * over real members on real sockets. What it writes is refused; what it deletes, floods and locks only delays.
 */
// S-1, S-6
@Timeout(180)
class StrangerMemberTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final GroupSecret SECRET = GroupSecret.ofText("the secret of the group");
    private static final Addresses G = new Addresses(new GroupName("g"));
    private static final JsonObject SETTINGS = new JsonObject()
            .put("security", new JsonObject().put("secretVariable", ""))
            .put("store", new JsonObject().put("reconcileMs", 500));

    private final List<AutoCloseable> open = new ArrayList<>();
    private final List<Vertx> nodes = new ArrayList<>();
    private final List<JoinedRank> ranks = new ArrayList<>();
    private final Queue<String> losses = new ConcurrentLinkedQueue<>();
    private HazelcastInstance stranger;
    private Vertx strangersVertx;
    private long epoch;

    @BeforeEach
    void startGroupAndStranger() {
        String cluster = "stranger-" + UUID.randomUUID();
        HazelcastInstance founder = member(cluster, null);
        for (int rank = 0; rank < 2; rank++) {
            Vertx vertx = vertx(rank == 0 ? founder : member(cluster, founder));
            nodes.add(vertx);
            Muster muster = Bounded.await(Muster.start(vertx, MusterOptions.fromJson(SETTINGS)), "starting Muster");
            open.add(() -> Bounded.await(muster.close(), "closing Muster"));
            ranks.add(Bounded.await(muster.join(GroupOptions.of("g", rank, 2).secret(SECRET)), "joining the group"));
        }
        stranger = member(cluster, founder);
        strangersVertx = vertx(stranger);
        epoch = Bounded.await(ranks.getFirst().allConnected(PATIENCE), "all connected at rank 0")
                .epoch();
        nodes.forEach(vertx -> vertx.eventBus().<JsonObject>localConsumer(G.peerState(), message -> {
            if (message.body().getString("from").equals("CONNECTED")) {
                losses.add(message.body().encode());
            }
        }));
    }

    private HazelcastInstance member(String cluster, HazelcastInstance founder) {
        HazelcastInstance hazelcast = LoopbackMember.start(cluster, founder);
        open.add(hazelcast::shutdown);
        return hazelcast;
    }

    private Vertx vertx(HazelcastInstance hazelcast) {
        var options = new VertxOptions();
        options.getEventBusOptions().setHost("127.0.0.1");
        Vertx vertx = Bounded.await(
                Vertx.builder()
                        .with(options)
                        .withClusterManager(new HazelcastClusterManager(hazelcast))
                        .buildClustered(),
                "building a clustered Vert.x");
        open.add(() -> Bounded.await(vertx.close(), "closing Vert.x"));
        return vertx;
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable one : open.reversed()) {
            one.close();
        }
    }

    private IMap<String, byte[]> map() {
        return stranger.getMap(MusterHazelcast.MAP_NAME);
    }

    private void stillConnected() {
        ranks.forEach(rank -> assertThat(Bounded.await(rank.allConnected(PATIENCE), "all connected")
                        .epoch())
                .isEqualTo(epoch));
        assertThat(losses).as("no link was lost").isEmpty();
    }

    @Test
    void theWritesAndDeletionsOfAStrangerAreRepaired() throws Exception {
        Map<String, byte[]> signed = new HashMap<>();
        map().forEach((key, value) -> {
            if (key.startsWith("g/")) {
                signed.put(key, value);
            }
        });
        assertThat(signed).containsKeys("g/rank/0@g", "g/rank/1@g", "g/epoch@g");
        byte[] garbage = {1, 2, 3};
        byte[] others = signed.get("g/rank/1@g");
        for (String key : List.of("g/rank/0@g", "g/rank/1@g", "g/epoch@g")) {
            map().put(key, garbage);
            Eventually.holds(key + " is put right", PATIENCE, () -> !java.util.Arrays.equals(map().get(key), garbage));
            map().put(key, others); // well signed, for another key or an earlier revision
            Eventually.holds(
                    key + " is put right again", PATIENCE, () -> !java.util.Arrays.equals(map().get(key), others));
            map().remove(key);
            Eventually.holds(key + " comes back", PATIENCE, () -> map().get(key) != null);
        }
        stillConnected();
        assertThat(ranks.getFirst().runtime().process().trust().distrusted())
                .as("counted")
                .isPositive();
    }

    /** Can be written, but the class is on no allow-list, so no member can read it. */
    private record NoSuchClass(String text) implements Serializable {}

    private enum Foreign {
        TEXT("hello"),
        NUMBER(17),
        NO_SUCH_CLASS(new NoSuchClass("x")),
        TOO_LONG(new byte[17 << 20]);

        private final Object value;

        Foreign(Object value) {
            this.value = value;
        }
    }

    @ParameterizedTest
    @EnumSource(Foreign.class)
    void aForeignValueInAKeyKeepsNoRankOut(Foreign foreign) {
        IMap<String, Object> any = stranger.getMap(MusterHazelcast.MAP_NAME);
        for (String key : List.of("g/rank/0@g", "g/rank/1@g", "g/epoch@g")) {
            var updates = new AtomicInteger();
            any.addEntryListener((EntryUpdatedListener<String, Object>) _ -> updates.incrementAndGet(), key, false);
            any.set(key, foreign.value);
            Eventually.holds(key + " is put right", PATIENCE, () -> updates.get() >= 2 && isOurs(any, key));
        }
        stillConnected();
        Bounded.await(ranks.get(1).leave(), "leaving the group");
        for (String key : List.of("g/rank/1@g", "g/ready/0@g", "g/ready/1@g", "g/epoch@g")) {
            any.set(key, foreign.value);
        }
        Muster muster = Bounded.await(
                Muster.start(strangersVertx, MusterOptions.fromJson(SETTINGS)), "starting another Muster");
        open.add(() -> Bounded.await(muster.close(), "closing Muster"));
        JoinedRank again = Bounded.await(muster.join(GroupOptions.of("g", 1, 2).secret(SECRET)), "joining again");
        assertThat(Bounded.await(again.allConnected(PATIENCE), "all connected again")
                        .epoch())
                .isGreaterThan(epoch);
    }

    private static boolean isOurs(IMap<String, Object> map, String key) {
        try {
            return map.get(key) instanceof byte[] bytes && bytes.length < 1 << 20;
        } catch (HazelcastSerializationException _) {
            return false;
        }
    }

    @Test
    void aFloodOrALockOfAStrangerOnlyDelays() throws Exception {
        for (int i = 0; i < 5_000; i++) {
            map().putAsync("g/rank/" + i % 70_000 + "/x@g", new byte[64]);
            map().putAsync("g/ready/" + (2 + i) + "@g", new byte[64]);
            map().putAsync("h" + i + "/epoch@h" + i, new byte[64]);
        }
        stillConnected();
        map().lock("g/rank/1@g");
        try {
            var registering = ranks.get(1).register("late", 64);
            Thread.sleep(200);
            assertThat(registering.isComplete())
                    .as("nobody can publish while the key is locked")
                    .isFalse();
            map().unlock("g/rank/1@g");
            Bounded.await(registering, "registering the late segment");
        } finally {
            map().forceUnlock("g/rank/1@g");
        }
        stillConnected();
    }

    @Test
    void forgedEventsAreIgnoredAndReachNoInternalAddress() throws Exception {
        var bus = strangersVertx.eventBus();
        bus.publish(G.allConnected(), new JsonObject().put("group", "g").put("epoch", Long.MAX_VALUE));
        bus.publish(
                G.degraded(),
                new JsonObject().put("group", "g").put("epoch", epoch).put("lost", new io.vertx.core.json.JsonArray()));
        Eventually.holds(
                "both events are refused at both nodes",
                PATIENCE,
                () -> ranks.stream()
                                .mapToLong(
                                        rank -> rank.runtime().process().trust().distrusted())
                                .sum()
                        >= 4);
        for (String inner : List.of(G.report(), G.link(0, 1), G.link(1, 0), G.linkState(), G.warmupPolicy())) {
            assertThatThrownBy(() -> Bounded.await(
                            bus.request(
                                    inner,
                                    new JsonObject()
                                            .put("rank", 0)
                                            .put("peer", 1)
                                            .put("reason", "forged"),
                                    new io.vertx.core.eventbus.DeliveryOptions().setSendTimeout(5_000)),
                            "the reply on the event bus"))
                    .as(inner)
                    .hasMessageContaining("No handlers");
        }
        stillConnected();
    }
}
