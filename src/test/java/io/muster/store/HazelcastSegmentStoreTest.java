// SPDX-License-Identifier: Apache-2.0

package io.muster.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.hazelcast.config.Config;
import com.hazelcast.config.InMemoryFormat;
import com.hazelcast.config.MapConfig;
import com.hazelcast.config.ServerSocketEndpointConfig;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.instance.EndpointQualifier;
import com.hazelcast.instance.impl.HazelcastInstanceProxy;
import com.hazelcast.map.IMap;
import com.hazelcast.nio.ObjectDataInput;
import com.hazelcast.nio.ObjectDataOutput;
import com.hazelcast.nio.serialization.IdentifiedDataSerializable;
import com.hazelcast.nio.serialization.Portable;
import com.hazelcast.nio.serialization.PortableReader;
import com.hazelcast.nio.serialization.PortableWriter;
import com.hazelcast.partition.MigrationListener;
import com.hazelcast.partition.MigrationState;
import com.hazelcast.partition.ReplicaMigrationEvent;
import io.muster.Eventually;
import io.muster.group.MusterException;
import io.muster.group.MusterException.Kind;
import io.muster.group.ProcessId;
import io.muster.options.MusterHazelcast;
import io.muster.wire.StoredBytes;
import io.vertx.core.Context;
import io.vertx.core.Future;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The contract on real members in one JVM, on loopback, and faults that only Hazelcast has. */
class HazelcastSegmentStoreTest extends SegmentStoreContractTest {
    private static final Duration DEADLINE = Duration.ofSeconds(5);
    private static final String CLUSTER = "test-" + ProcessHandle.current().pid();

    private final Map<SegmentStore, HazelcastInstance> members = new HashMap<>();
    private final Random random = new Random();

    @Override
    SegmentStore join(Context context) {
        MapConfig objects = new MapConfig("objects").setInMemoryFormat(InMemoryFormat.OBJECT);
        HazelcastInstance hazelcast = start(MusterHazelcast.reference().addMapConfig(objects));
        SegmentStore store = await(HazelcastSegmentStore.open(hazelcast, context, MusterHazelcast.MAP_NAME, DEADLINE));
        members.put(store, hazelcast);
        return store;
    }

    @Override
    void crash(SegmentStore store) {
        members.remove(store).getLifecycleService().terminate();
    }

    @Override
    boolean holds(String memberUuid, String key) {
        return members.values().stream()
                .filter(member -> member.getCluster()
                        .getLocalMember()
                        .getUuid()
                        .toString()
                        .equals(memberUuid))
                .anyMatch(member ->
                        member.getMap(MusterHazelcast.MAP_NAME).localKeySet().contains(StoreKeys.located(key)));
    }

    @Override
    void shutDown(SegmentStore store) {
        members.remove(store).shutdown();
    }

    @Override
    void loseEverything() {
        map().clear();
    }

    @Test // B-3
    void reportsAMemberThatEndedWithoutAnEvent() throws Exception {
        SegmentStore store = join(context);
        var recorder = new Recorder("any");
        listen(store, recorder);
        // as Hazelcast does if it cannot accept a connection: it sends no lifecycle event
        ((HazelcastInstanceProxy) members.remove(store)).getOriginal().node.shutdown(true);
        Eventually.holds("the end of the member is reported", () -> {
            assertThatThrownBy(() -> await(store.get("any"))).hasMessageContaining("Hazelcast is shut down");
            return !recorder.ended.isEmpty();
        });
        assertThatThrownBy(() -> await(store.get("any"))).hasMessageContaining("Hazelcast is shut down");
        assertThat(recorder.ended).as("once").hasSize(1);
    }

    @Test
    void endsAnOperationAtItsDeadlineAndLetsOthersPass() throws Exception {
        HazelcastInstance hazelcast = members.get(here);
        SegmentStore hasty =
                await(HazelcastSegmentStore.open(hazelcast, context, MusterHazelcast.MAP_NAME, Duration.ofMillis(300)));
        await(here.compareAndSet("stuck", null, bytes("a")));
        IMap<Object, Object> map = members.get(there).getMap(MusterHazelcast.MAP_NAME);
        map.lock("stuck");
        try {
            Future<Boolean> stuck = hasty.compareAndSet("stuck", bytes("a"), bytes("b"));
            assertThat(await(hasty.compareAndSet("free", null, bytes("a")))).isTrue();
            assertThatThrownBy(() -> await(stuck)).isInstanceOfSatisfying(MusterException.class, e -> {
                assertThat(e.kind()).isEqualTo(Kind.RETRY);
                assertThat(e)
                        .hasMessageContainingAll(
                                "300 ms", "operation=replace", "key=stuck", "store.operationTimeoutMs");
            });
        } finally {
            map.unlock("stuck");
        }
        await(hasty.close());
    }

    @Test
    void failsPendingOperationsWhenItCloses() {
        SegmentStore closing =
                await(HazelcastSegmentStore.open(members.get(here), context, MusterHazelcast.MAP_NAME, DEADLINE));
        await(here.compareAndSet("pending", null, bytes("a")));
        IMap<Object, Object> map = members.get(there).getMap(MusterHazelcast.MAP_NAME);
        map.lock("pending");
        try {
            Future<Boolean> pending = closing.compareAndSet("pending", bytes("a"), bytes("b"));
            await(closing.close());
            assertThatThrownBy(() -> await(pending))
                    .isInstanceOfSatisfying(
                            MusterException.class, e -> assertThat(e.kind()).isEqualTo(Kind.FATAL));
        } finally {
            map.unlock("pending");
        }
    }

    /** Values that no process of Muster writes. */
    private enum Foreign {
        TEXT("hello"),
        NUMBER(17),
        NESTED(new HashMap<>(Map.of("a", new int[] {1}))),
        NO_SUCH_CLASS(new Stranger()),
        PORTABLE(new StrangersPortable()),
        IDENTIFIED(new StrangersIdentified()),
        COMPACT(new StrangersCompact("x", 1)),
        TOO_LONG(new byte[64 << 20]);

        private final Object value;

        Foreign(Object value) {
            this.value = value;
        }
    }

    private record StrangersCompact(String text, int number) {}

    @ParameterizedTest
    @EnumSource(Foreign.class) // R-4, S-1
    void replacesAForeignValueByACompareAndSet(Foreign kind) {
        String key = "foreign/rank/0";
        String at = StoreKeys.located(key);
        map().put(at, kind.value);
        StoredBytes seen = await(there.get(key));
        assertThat(seen).matches(StoredBytes::isForeign);
        assertThat(seen.distrust()).contains("another program writes into this map");
        assertThat(await(there.compareAndSet(key, null, bytes("a")))).isFalse();
        assertThat(await(there.compareAndSet(key, bytes("b"), bytes("a")))).isFalse();
        assertThat(await(there.compareAndSet(key, seen, bytes("a")))).isTrue();
        assertThat(await(here.get(key))).isEqualTo(bytes("a"));
        assertThat(await(there.compareAndSet(key, seen, bytes("c"))))
                .as("another process has written meanwhile")
                .isFalse();
        map().put(at, kind.value);
        assertThat(await(there.compareAndSet(key, seen, null))).isTrue();
        assertThat(await(here.get(key))).isNull();
    }

    @Test
    void leavesAForeignValueThatAnotherMemberHasLocked() {
        String key = "foreign/rank/0";
        map().put(StoreKeys.located(key), "hello");
        StoredBytes seen = await(there.get(key));
        map().lock(StoreKeys.located(key));
        try {
            assertThat(await(there.compareAndSet(key, seen, bytes("a")))).isFalse();
        } finally {
            map().unlock(StoreKeys.located(key));
        }
        assertThat(await(there.compareAndSet(key, seen, bytes("a")))).isTrue();
    }

    @Test
    void keysOfOtherProgramsDoNotDisturbTheListener() throws Exception {
        var recorder = new Recorder("ours/rank/0");
        listen(there, recorder);
        IMap<Object, Object> map = members.get(here).getMap(MusterHazelcast.MAP_NAME);
        List<Object> keys = List.of(
                17, new Stranger(), new StrangersPortable(), "", "@", "@ours", "ours/rank/0", "ours/rank/0@", "x@@");
        for (Object key : keys) {
            map.set(key, "hello");
            map.delete(key);
        }
        await(here.compareAndSet("ours/rank/0", null, bytes("a")));
        assertThat(recorder.next()).isEqualTo("1 bytes 61");
    }

    /** A value without a factory at the reader. */
    @SuppressWarnings("removal")
    private static final class StrangersPortable implements Portable {
        @Override
        public int getFactoryId() {
            return 4711;
        }

        @Override
        public int getClassId() {
            return 1;
        }

        @Override
        public void writePortable(PortableWriter writer) throws IOException {
            writer.writeInt("a", 1);
        }

        @Override
        public void readPortable(PortableReader reader) {}
    }

    private static final class StrangersIdentified implements IdentifiedDataSerializable {
        @Override
        public int getFactoryId() {
            return 4712;
        }

        @Override
        public int getClassId() {
            return 1;
        }

        @Override
        public void writeData(ObjectDataOutput out) throws IOException {
            out.writeInt(1);
        }

        @Override
        public void readData(ObjectDataInput in) {}
    }

    @Test // R-4
    void keepsAForeignValueFromHidingTheOthers() {
        await(here.compareAndSet("foreign/ours", null, bytes("a")));
        map().put(StoreKeys.located("foreign/theirs"), new Stranger());
        map().put(StoreKeys.located("foreign/text"), "hello");
        Map<String, StoredBytes> found = await(there.getAll(Set.of("foreign/ours", "foreign/theirs", "foreign/text")));
        assertThat(found)
                .containsEntry("foreign/ours", bytes("a"))
                .hasEntrySatisfying(
                        "foreign/text", value -> assertThat(value.distrust()).contains("java.lang.String"))
                .hasEntrySatisfying(
                        "foreign/theirs", value -> assertThat(value.isForeign()).isTrue());
    }

    /** A value that can be written but not read. */
    private static final class Stranger implements java.io.Serializable {
        private static final long serialVersionUID = 1L;

        private Object readResolve() throws java.io.ObjectStreamException {
            throw new java.io.InvalidObjectException("class is not there");
        }
    }

    @Test
    void refusesAMapThatComparesIdentities() {
        assertThatThrownBy(() -> await(HazelcastSegmentStore.open(members.get(here), context, "objects", DEADLINE)))
                .isInstanceOfSatisfying(MusterException.class, e -> {
                    assertThat(e.kind()).isEqualTo(Kind.CONFIG);
                    assertThat(e).hasMessageContaining("in-memory-format is OBJECT");
                });
    }

    @Test
    void worksOnAnApplicationsOwnHazelcast() {
        Config own = new Config();
        own.setClusterName(CLUSTER + "-own");
        own.getNetworkConfig()
                .setPort(0)
                .setPortAutoIncrement(false)
                .getInterfaces()
                .setEnabled(true)
                .addInterface("127.0.0.1");
        own.getNetworkConfig().getJoin().getAutoDetectionConfig().setEnabled(false);
        own.setProperty("hazelcast.phone.home.enabled", "false").setProperty("hazelcast.logging.type", "slf4j");
        HazelcastInstance hazelcast = Hazelcast.newHazelcastInstance(own);
        try {
            SegmentStore store =
                    await(HazelcastSegmentStore.open(hazelcast, context, MusterHazelcast.MAP_NAME, DEADLINE));
            assertThat(await(store.compareAndSet("own", null, bytes("a")))).isTrue();
            assertThat(await(store.compareAndSet("own", bytes("a"), bytes("b"))))
                    .isTrue();
            assertThat(store.presentMembers().processIds()).isEmpty();
            assertThat(store.presentMembers().memberUuids()).containsExactly(store.localMemberUuid());
            await(store.close());
        } finally {
            hazelcast.getLifecycleService().terminate();
        }
    }

    @Test // R-8, R-9
    void comparesAndSetsOnAllKeysAfterAnOwnerDied() throws Exception {
        CountDownLatch balanced = new CountDownLatch(1);
        UUID listening = members.get(here).getPartitionService().addMigrationListener(new Migrations(balanced));
        SegmentStore third = join(context);
        assertThat(balanced.await(PATIENCE_MS, TimeUnit.MILLISECONDS))
                .as("partitions have moved to the third member")
                .isTrue();
        members.get(here).getPartitionService().removeMigrationListener(listening);
        Set<String> keys = IntStream.range(0, 60)
                .mapToObj(group -> "owner" + group + "/rank/0")
                .collect(Collectors.toSet());
        keys.forEach(key -> await(here.compareAndSet(key, null, bytes("a"))));
        assertThat(members.get(third)
                        .getPartitionService()
                        .forceLocalMemberToBeSafe(PATIENCE_MS, TimeUnit.MILLISECONDS))
                .isTrue();
        long owned = keys.stream()
                .filter(key -> owner(key).equals(third.localMemberUuid()))
                .count();
        assertThat(owned).as("keys that the dying member owns").isPositive();

        crash(third);
        long startNanos = System.nanoTime();
        keys.forEach(key -> assertThat(swapped(key)).isTrue());
        assertThat(Duration.ofNanos(System.nanoTime() - startNanos)).isLessThan(DEADLINE);
        assertThat(await(there.getAll(keys)).values()).hasSize(60).containsOnly(bytes("b"));
    }

    @Test
    void endsWithFatalWhenHazelcastGoesFirst() {
        SegmentStore store = join(context);
        crash(store);
        assertThatThrownBy(() -> await(store.get("any")))
                .isInstanceOfSatisfying(
                        MusterException.class, e -> assertThat(e.kind()).isEqualTo(Kind.FATAL));
        await(store.close());
    }

    /**
     * If outgoing sockets were bound to any free port, those of one member would all be bound to the port of the only
     * other member. After the death of that member, a process that dials it would dial itself.
     */
    @Test // R-9
    void doesNotAdoptTheAddressOfADeadMember() throws Exception {
        int port;
        try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        Config config = pairOf(0);
        ((ServerSocketEndpointConfig)
                        config.getAdvancedNetworkConfig().getEndpointConfigs().get(EndpointQualifier.MEMBER))
                .addOutboundPort(port);
        HazelcastInstance survivor = Hazelcast.newHazelcastInstance(MusterHazelcast.found(config));
        String target = "127.0.0.1:"
                + survivor.getCluster().getLocalMember().getAddress().getPort();
        HazelcastInstance other =
                Hazelcast.newHazelcastInstance(MusterHazelcast.join(pairOf(port), target, List.of(target)));
        try {
            SegmentStore store =
                    await(HazelcastSegmentStore.open(survivor, context, MusterHazelcast.MAP_NAME, DEADLINE));
            other.getLifecycleService().terminate();
            for (int group = 0; group < 20; group++) {
                assertThat(await(store.compareAndSet("alone" + group + "/rank/0", null, bytes("a"))
                                .map("written")
                                .otherwise(Throwable::getMessage)))
                        .doesNotContain("Connecting to self");
            }
            await(store.close());
        } finally {
            other.getLifecycleService().terminate();
            survivor.getLifecycleService().terminate();
        }
    }

    private static Config pairOf(int port) {
        Config config = MusterHazelcast.applyTo(MusterHazelcast.reference()).setClusterName(CLUSTER + "-pair");
        return MusterHazelcast.bindTo(config, new MusterHazelcast.Bind("127.0.0.1", port));
    }

    @Test
    void closesAlsoIfRemovingAListenerFails() {
        HazelcastInstance hazelcast = members.get(here);
        Queue<String> removed = new ConcurrentLinkedQueue<>();
        IMap<?, ?> map = instead(IMap.class, hazelcast.getMap(MusterHazelcast.MAP_NAME), (method, call) -> {
            if (method.startsWith("remove") && method.endsWith("Listener")) {
                removed.add(method);
            }
            if (method.equals("removeEntryListener")) {
                throw new IllegalStateException("as where a member has just died");
            }
            return call.call();
        });
        HazelcastInstance unlucky = instead(
                HazelcastInstance.class, hazelcast, (method, call) -> method.equals("getMap") ? map : call.call());
        SegmentStore store = await(HazelcastSegmentStore.open(unlucky, context, MusterHazelcast.MAP_NAME, DEADLINE));
        listen(store, new Recorder("any"));
        await(store.close());
        assertThat(removed).containsExactly("removeEntryListener", "removePartitionLostListener");
    }

    private static <T> T instead(Class<T> type, Object of, Detour detour) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(),
                new Class<?>[] {type},
                (_, method, arguments) -> detour.take(method.getName(), () -> method.invoke(of, arguments))));
    }

    /** The action for a call of this name. */
    private interface Detour {
        Object take(String method, Callable<Object> call) throws Exception;
    }

    record Migrations(CountDownLatch finished) implements MigrationListener {
        @Override
        public void migrationStarted(MigrationState state) {}

        @Override
        public void migrationFinished(MigrationState state) {
            finished.countDown();
        }

        @Override
        public void replicaMigrationCompleted(ReplicaMigrationEvent event) {}

        @Override
        public void replicaMigrationFailed(ReplicaMigrationEvent event) {}
    }

    /** Behaves like a caller: after false or a failure it reads the key, and its own bytes there mean success. */
    private boolean swapped(String key) {
        return await(here.compareAndSet(key, bytes("a"), bytes("b")).recover(_ -> Future.succeededFuture(false)))
                || bytes("b").equals(await(here.get(key)));
    }

    private String owner(String key) {
        return members.get(here)
                .getPartitionService()
                .getPartition(StoreKeys.groupOf(key).orElseThrow())
                .getOwner()
                .getUuid()
                .toString();
    }

    private IMap<Object, Object> map() {
        return members.get(here).getMap(MusterHazelcast.MAP_NAME);
    }

    private HazelcastInstance start(Config config) {
        config.setClusterName(CLUSTER);
        MusterHazelcast.bindTo(
                MusterHazelcast.applyTo(config, ProcessId.random(random)), new MusterHazelcast.Bind("127.0.0.1", 0));
        if (members.isEmpty()) {
            return Hazelcast.newHazelcastInstance(MusterHazelcast.found(config));
        }
        var first =
                members.values().iterator().next().getCluster().getLocalMember().getAddress();
        String target = first.getHost() + ":" + first.getPort();
        return Hazelcast.newHazelcastInstance(MusterHazelcast.join(config, target, List.of(target)));
    }
}
