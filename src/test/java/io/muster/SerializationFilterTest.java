// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.hazelcast.config.Config;
import com.hazelcast.config.JavaSerializationFilterConfig;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.nio.serialization.HazelcastSerializationException;
import io.muster.options.MusterHazelcast;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.eventbus.DeliveryOptions;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.core.shareddata.AsyncMap;
import io.vertx.core.shareddata.Counter;
import io.vertx.core.shareddata.Lock;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import java.io.Serializable;
import java.net.URI;
import java.security.SignedObject;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Vert.x clustered over two members that both have the allow-list, and what a third without it sends them. */
// S-5
@Timeout(60)
class SerializationFilterTest {
    private static HazelcastInstance first;
    private static HazelcastInstance second;
    private static HazelcastInstance stranger;
    private static Vertx here;
    private static Vertx there;

    @BeforeAll
    static void start() {
        String cluster = "filter-" + UUID.randomUUID();
        first = Hazelcast.newHazelcastInstance(MusterHazelcast.found(member(MusterHazelcast.reference(), cluster)));
        second = Hazelcast.newHazelcastInstance(joining(MusterHazelcast.reference(), cluster));
        Config open = MusterHazelcast.reference();
        open.getSerializationConfig().setJavaSerializationFilterConfig(null);
        stranger = Hazelcast.newHazelcastInstance(joining(open, cluster));
        here = vertx(first);
        there = vertx(second);
    }

    private static Config member(Config config, String cluster) {
        return MusterHazelcast.carryVertx(
                MusterHazelcast.bindTo(config.setClusterName(cluster), new MusterHazelcast.Bind("127.0.0.1", 0)));
    }

    private static Config joining(Config config, String cluster) {
        var address = first.getCluster().getLocalMember().getAddress();
        return MusterHazelcast.join(member(config, cluster), address.getHost() + ":" + address.getPort(), List.of());
    }

    private static Vertx vertx(HazelcastInstance hazelcast) {
        var options = new VertxOptions();
        options.getEventBusOptions().setHost("127.0.0.1");
        return Bounded.await(
                Vertx.builder()
                        .with(options)
                        .withClusterManager(new HazelcastClusterManager(hazelcast))
                        .buildClustered(),
                "building a clustered Vert.x");
    }

    @AfterAll
    static void stop() {
        Bounded.await(here.close(), "closing the first Vert.x");
        Bounded.await(there.close(), "closing the second Vert.x");
        for (HazelcastInstance one : List.of(stranger, second, first)) {
            one.shutdown();
        }
    }

    @Test
    void theEventBusWorksBetweenMembers() throws Exception {
        Bounded.await(
                there.eventBus()
                        .consumer("echo", message -> message.reply(message.body()))
                        .completion(),
                "registering the consumer");
        Bounded.await(
                there.eventBus()
                        .consumer("fail", message -> message.fail(7, "no"))
                        .completion(),
                "registering the consumer");
        for (Object body : List.of(
                "text", 5L, 2.5, true, Buffer.buffer("bytes"), new JsonObject().put("a", new JsonArray().add(1)))) {
            assertThat(here.eventBus()
                            .request("echo", body, new DeliveryOptions().addHeader("h", "v"))
                            .await(20, TimeUnit.SECONDS)
                            .body())
                    .isEqualTo(body);
        }
        assertThatThrownBy(() -> here.eventBus().request("fail", "x").await(20, TimeUnit.SECONDS))
                .isInstanceOfSatisfying(
                        ReplyException.class,
                        failure -> assertThat(failure.failureCode()).isEqualTo(7));
        assertThatThrownBy(() -> here.eventBus().request("nobody", "x").await(20, TimeUnit.SECONDS))
                .isInstanceOf(ReplyException.class);
    }

    @Test
    void sharedMapsHoldTheTypesThatVertxDocuments() {
        AsyncMap<String, Object> mine =
                Bounded.await(here.sharedData().<String, Object>getClusterWideMap("shared"), "the cluster-wide map");
        AsyncMap<String, Object> theirs =
                Bounded.await(there.sharedData().<String, Object>getClusterWideMap("shared"), "the cluster-wide map");
        Map<String, Object> values = Map.of(
                "text",
                "a",
                "int",
                1,
                "long",
                2L,
                "double",
                2.5,
                "boolean",
                true,
                "bytes",
                new byte[] {1, 2},
                "buffer",
                Buffer.buffer("b"),
                "object",
                new JsonObject().put("k", "v"),
                "list",
                new JsonArray().add("x"),
                "instant",
                Instant.EPOCH);
        values.forEach((key, value) -> Bounded.await(mine.put(key, value), "putting into the map"));
        values.forEach((key, value) -> assertThat(Bounded.await(theirs.get(key), "getting from the map"))
                .isEqualTo(value));
        assertThat(Bounded.await(theirs.putIfAbsent("text", "b"), "putting into the map if absent"))
                .isEqualTo("a");
        assertThat(Bounded.await(theirs.replaceIfPresent("text", "a", "c"), "replacing in the map"))
                .isTrue();
        Bounded.await(mine.put("short", "lived", 60_000), "putting into the map");
        assertThat(Bounded.await(theirs.get("short"), "getting from the map")).isEqualTo("lived");
        assertThat(Bounded.await(theirs.entries(), "the entries of the map")).hasSize(values.size() + 1);
        assertThat(Bounded.await(theirs.remove("text"), "removing from the map"))
                .isEqualTo("c");
        Bounded.await(mine.clear(), "clearing the map");
        assertThat(Bounded.await(theirs.size(), "the size of the map")).isZero();
    }

    @Test
    void countersAndLocksWork() {
        Counter mine = Bounded.await(here.sharedData().getCounter("count"), "the counter");
        Counter theirs = Bounded.await(there.sharedData().getCounter("count"), "the counter");
        assertThat(Bounded.await(mine.incrementAndGet(), "incrementing the counter")
                        + Bounded.await(theirs.addAndGet(4), "adding to the counter"))
                .isEqualTo(1 + 5);
        assertThat(Bounded.await(theirs.compareAndSet(5, 9), "setting the counter"))
                .isTrue();
        assertThat(Bounded.await(mine.get(), "reading the counter")).isEqualTo(9);
        Lock held = Bounded.await(here.sharedData().getLock("lock"), "the lock");
        assertThatThrownBy(() -> Bounded.await(there.sharedData().getLockWithTimeout("lock", 100), "the lock"))
                .hasMessageContaining("Timed out");
        held.release();
        Bounded.await(there.sharedData().getLockWithTimeout("lock", 20_000), "the lock")
                .release();
    }

    /** Not on the list. */
    public record Foreign(String text) implements Serializable {
        private static final long serialVersionUID = 1L;
    }

    /** Would run wherever it is sent. */
    public static final class ForeignTask implements Callable<String>, Serializable {
        private static final long serialVersionUID = 1L;
        private static volatile boolean ran;

        @Override
        public String call() {
            ran = true;
            return "ran";
        }
    }

    @Test
    void aForeignSerializableIsRefusedWhereverItArrives() throws Exception {
        List<Object> refused = List.of(
                new Foreign("x"),
                URI.create("http://127.0.0.1/").toURL(),
                new java.io.File("x"),
                java.util.logging.Level.INFO,
                signed());
        for (Object value : refused) {
            stranger.getMap("foreign").put("key", value);
            for (HazelcastInstance member : List.of(first, second)) {
                assertThatThrownBy(() -> member.getMap("foreign").get("key"))
                        .as(value.getClass().getName())
                        .isInstanceOf(HazelcastSerializationException.class)
                        .hasStackTraceContaining(
                                "Resolving class " + value.getClass().getName() + " is not allowed");
            }
        }
        assertThat(stranger.getMap("foreign").get("key"))
                .as("where there is no list, it is let in")
                .isInstanceOf(SignedObject.class);
    }

    private static SignedObject signed() throws Exception {
        var keys = java.security.KeyPairGenerator.getInstance("EC").generateKeyPair();
        return new SignedObject("hidden", keys.getPrivate(), java.security.Signature.getInstance("SHA256withECDSA"));
    }

    @Test
    void aForeignTaskDoesNotRun() {
        var task = stranger.getExecutorService("tasks")
                .submitToMember(new ForeignTask(), first.getCluster().getLocalMember());
        assertThatThrownBy(() -> task.get(20, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .hasStackTraceContaining("is not allowed");
        assertThat(ForeignTask.ran).isFalse();
    }

    @Test
    void anApplicationMayExtendOrReplaceTheSerializationFilter() {
        JavaSerializationFilterConfig reference =
                MusterHazelcast.reference().getSerializationConfig().getJavaSerializationFilterConfig();
        assertThat(reference.isDefaultsDisabled()).isTrue();
        assertThat(reference.getWhitelist().getPrefixes()).doesNotContain("java.", "io.");
        assertThat(MusterHazelcast.applyTo(new Config())
                        .getSerializationConfig()
                        .getJavaSerializationFilterConfig())
                .isEqualTo(reference);
        Config own = new Config();
        var filter = new JavaSerializationFilterConfig();
        own.getSerializationConfig().setJavaSerializationFilterConfig(filter);
        assertThat(MusterHazelcast.applyTo(own).getSerializationConfig().getJavaSerializationFilterConfig())
                .isSameAs(filter);
        Config more = MusterHazelcast.allowSerializable(MusterHazelcast.applyTo(new Config()), "com.example.");
        assertThat(more.getSerializationConfig()
                        .getJavaSerializationFilterConfig()
                        .getWhitelist()
                        .isListed("com.example.Price"))
                .isTrue();
        assertThat(MusterHazelcast.allowSerializable(new Config(), "com.example.")
                        .getSerializationConfig()
                        .getJavaSerializationFilterConfig()
                        .getWhitelist()
                        .isListed("io.vertx.spi.cluster.hazelcast.impl.HazelcastNodeInfo"))
                .isTrue();
    }
}
