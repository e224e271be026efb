// SPDX-License-Identifier: Apache-2.0

package io.muster.store;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.hazelcast.config.Config;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastInstance;
import io.muster.JvmProcess;
import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.muster.options.MusterHazelcast;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.eventbus.DeliveryOptions;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import stranger.StrangerNode;

/** A process without Muster is a full member of the cluster and owns keys of Muster. */
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class StrangerIT {
    private static final String CLUSTER = "stranger-" + ProcessHandle.current().pid();
    private static final Duration DEADLINE = Duration.ofSeconds(3);
    private static final Set<String> KEYS =
            IntStream.range(0, 60).mapToObj(group -> "ep" + group + "/rank/0").collect(Collectors.toSet());

    @TempDir
    Path directory;

    private final CountDownLatch balanced = new CountDownLatch(1);
    private HazelcastInstance hazelcast;
    private Vertx vertx;
    private SegmentStore store;
    private JvmProcess stranger;
    private String strangersUuid;

    @BeforeEach
    void startBoth() throws Exception {
        Config config = MusterHazelcast.reference().setClusterName(CLUSTER);
        MusterHazelcast.bindTo(
                MusterHazelcast.applyTo(config, ProcessId.random(new Random())),
                new MusterHazelcast.Bind("127.0.0.1", 0));
        hazelcast = Hazelcast.newHazelcastInstance(MusterHazelcast.found(MusterHazelcast.carryVertx(config)));
        hazelcast.getPartitionService().addMigrationListener(new HazelcastSegmentStoreTest.Migrations(balanced));
        VertxOptions options = new VertxOptions();
        options.getEventBusOptions().setHost("127.0.0.1");
        vertx = await(Vertx.builder()
                .with(options)
                .withClusterManager(new HazelcastClusterManager(hazelcast))
                .buildClustered());
        store = await(
                HazelcastSegmentStore.open(hazelcast, vertx.getOrCreateContext(), MusterHazelcast.MAP_NAME, DEADLINE));
        var address = hazelcast.getCluster().getLocalMember().getAddress();
        String classPath = JvmProcess.classPathWithoutMuster(directory, StrangerNode.class);
        stranger = JvmProcess.start(
                "stranger",
                classPath,
                List.of(),
                StrangerNode.class,
                CLUSTER,
                address.getHost() + ":" + address.getPort(),
                "stranger");
        assertThat(stranger.await("up", 40_000)).startsWith("without Muster ");
        assertThat(balanced.await(20, TimeUnit.SECONDS))
                .as("partitions have moved to the stranger")
                .isTrue();
        strangersUuid = store.presentMembers().memberUuids().stream()
                .filter(uuid -> !uuid.equals(store.localMemberUuid()))
                .findAny()
                .orElseThrow();
    }

    @AfterEach
    void stopBoth() throws Exception {
        stranger.close();
        await(store.close());
        await(vertx.close());
        hazelcast.getLifecycleService().terminate();
    }

    @Test
    void ownsKeysOnWhichCompareAndSetListeningAndTheEventBusWork() throws Exception {
        assertThat(KEYS).as("owners").anyMatch(this::isStrangers).anyMatch(key -> !isStrangers(key));
        BlockingQueue<String> heard = new LinkedBlockingQueue<>();
        await(store.listen(new SegmentStore.Listener() {
            @Override
            public void changed(String key, @Nullable StoredBytes value) {
                heard.add(key + (value == null ? " gone" : " " + new String(value.toByteArray(), UTF_8)));
            }

            @Override
            public void outdated() {}

            @Override
            public void membersChanged(SegmentStore.PresentMembers present) {}
        }));
        for (String key : KEYS) {
            assertThat(await(store.compareAndSet(key, null, bytes("a")))).isTrue();
            assertThat(await(store.compareAndSet(key, bytes("x"), bytes("b")))).isFalse();
            assertThat(await(store.compareAndSet(key, bytes("a"), bytes("b")))).isTrue();
        }
        assertThat(await(store.getAll(KEYS)).values()).hasSize(KEYS.size()).containsOnly(bytes("b"));
        for (String key : KEYS) {
            assertThat(await(store.compareAndSet(key, bytes("b"), null))).isTrue();
        }
        for (int i = 0; i < 3 * KEYS.size(); i++) {
            assertThat(heard.poll(10, TimeUnit.SECONDS)).as("event " + i).isNotNull();
        }
        assertThat(store.presentMembers().processIds()).hasSize(1);
        assertThat(store.presentMembers().memberUuids()).hasSize(2);
        assertThat(await(vertx.eventBus().request("stranger", "hello", new DeliveryOptions().setSendTimeout(10_000)))
                        .body())
                .isEqualTo("stranger heard hello");
    }

    /** A frozen owner stops its own keys only, each within the deadline, and nothing once it is gone. */
    @Test // R-9, P-7
    void aFrozenStrangerBlocksOnlyItsKeysAndADeadOneNothing() throws Exception {
        for (String key : KEYS) {
            await(store.compareAndSet(key, null, bytes("a")));
        }
        assertThat(hazelcast.getPartitionService().forceLocalMemberToBeSafe(10, TimeUnit.SECONDS))
                .isTrue();
        Set<String> theirs = KEYS.stream().filter(this::isStrangers).collect(Collectors.toSet());
        Set<String> ours = KEYS.stream().filter(key -> !isStrangers(key)).collect(Collectors.toSet());

        stranger.freeze();
        long startNanos = System.nanoTime();
        List<Future<Boolean>> stuck = theirs.stream()
                .map(key -> store.compareAndSet(key, bytes("a"), bytes("b")))
                .toList();
        List<Future<Boolean>> free = ours.stream()
                .map(key -> store.compareAndSet(key, bytes("a"), bytes("b")))
                .toList();
        for (Future<Boolean> one : free) {
            assertThat(await(one)).as("a key of ours, whose backup is frozen").isTrue();
        }
        assertThat(Duration.ofNanos(System.nanoTime() - startNanos)).isLessThan(DEADLINE);
        for (Future<Boolean> one : stuck) {
            assertEndsByItsDeadline(one);
        }

        stranger.kill();
        for (String key : theirs) {
            assertThat(eventuallySet(key)).as(key).isTrue();
        }
        assertThat(await(store.getAll(KEYS)).values()).hasSize(KEYS.size()).containsOnly(bytes("b"));
    }

    /**
     * Behaves like a caller: reads after any outcome but true, takes its own bytes there as success, and tries again
     * while the store answers RETRY.
     */
    private boolean eventuallySet(String key) throws Exception {
        for (int attempt = 0; attempt < 3; attempt++) {
            Future<Boolean> set = store.compareAndSet(key, bytes("a"), bytes("b"))
                    .compose(done ->
                            done ? Future.succeededFuture(true) : store.get(key).map(bytes("b")::equals))
                    .recover(_ -> Future.succeededFuture(false));
            if (await(set)) {
                return true;
            }
        }
        return false;
    }

    private boolean isStrangers(String key) {
        return hazelcast
                .getPartitionService()
                .getPartition(StoreKeys.groupOf(key).orElseThrow())
                .getOwner()
                .getUuid()
                .toString()
                .equals(strangersUuid);
    }

    /**
     * On a busy machine a member may have been silent before it froze, and is removed before the deadline: then its key
     * has another owner.
     */
    private void assertEndsByItsDeadline(Future<Boolean> stuck) throws Exception {
        try {
            assertThat(await(stuck)).isTrue();
            assertThat(store.presentMembers().memberUuids())
                    .as("the frozen member is gone")
                    .doesNotContain(strangersUuid);
        } catch (MusterException late) {
            assertThat(late.kind()).isEqualTo(MusterException.Kind.RETRY);
        }
    }

    private static StoredBytes bytes(String text) {
        return SegmentStoreContractTest.bytes(text);
    }

    private static <T> T await(Future<T> future) {
        return SegmentStoreContractTest.await(future);
    }
}
