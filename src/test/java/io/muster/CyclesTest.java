// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.bus.Addresses;
import io.muster.group.GroupName;
import io.muster.group.MusterException;
import io.muster.options.GroupOptions;
import io.muster.transfer.LossEvidence;
import io.vertx.core.Future;
import io.vertx.core.eventbus.DeliveryOptions;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.eventbus.ReplyFailure;
import io.vertx.core.json.JsonObject;
import io.vertx.junit5.Timeout;
import io.vertx.junit5.VertxExtension;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What comes goes again: nothing piles up in a process that lives long. */
@ExtendWith(VertxExtension.class)
class CyclesTest {
    /** 1,000 is the number of the requirement. */
    private static final int CYCLES = Integer.getInteger("muster.test.cycles", 200);

    private static final int WARM_UP = 30;
    private static final long MIB = 1 << 20;
    /** The flight recorder's rings are full after the warm-up, so that they don't look like growth. */
    private static final JsonObject FILLED_SOON =
            new JsonObject().put("flight", new JsonObject().put("entries", 32).put("keepFiles", 0));

    private final InMemoryCluster cluster = new InMemoryCluster();

    @AfterEach
    void close() {
        cluster.close();
    }

    /** What a process holds of the machine and of itself. */
    private record Holdings(
            int threads,
            long descriptors,
            long heapBytes,
            long directBytes,
            int regions,
            Set<String> keys,
            int deployments) {}

    // P-14
    @Test
    @Timeout(value = 240, timeUnit = TimeUnit.SECONDS)
    void connectingLosingAndClosingLeavesNothingBehind() throws Exception {
        InMemoryCluster.Process first = cluster.start(FILLED_SOON);
        InMemoryCluster.Process second = cluster.start(FILLED_SOON);
        for (int cycle = 0; cycle < WARM_UP; cycle++) {
            cycle(first, second);
        }
        Holdings before = holdings(first, second);
        for (int cycle = 0; cycle < CYCLES; cycle++) {
            cycle(first, second);
        }
        Holdings after = settled(before, first, second);
        System.out.println(CYCLES + " cycles: heap " + before.heapBytes() + " → " + after.heapBytes() + ", threads "
                + before.threads() + " → "
                + after.threads() + ", descriptors " + before.descriptors() + " → " + after.descriptors() + ", direct "
                + before.directBytes() + " → "
                + after.directBytes());
        assertThat(after.regions()).isEqualTo(before.regions()).isZero();
        assertThat(after.deployments()).isEqualTo(before.deployments()).isZero();
        assertThat(after.keys()).isEqualTo(before.keys());
        assertThat(after.threads()).isBetween(before.threads() - 8, before.threads() + 4);
        assertThat(after.descriptors()).isBetween(before.descriptors() - 8, before.descriptors() + 4);
        assertThat(after.heapBytes()).isLessThan(before.heapBytes() + MIB);
        assertThat(after.directBytes()).isLessThan(before.directBytes() + 4 * MIB);
        var addresses = new Addresses(new GroupName("g"));
        for (InMemoryCluster.Process process : List.of(first, second)) {
            for (String address : List.of(
                    addresses.link(0, 1),
                    addresses.link(1, 0),
                    addresses.linkState(),
                    addresses.report(),
                    addresses.builtInWarmupPolicy(),
                    addresses.allConnected(),
                    addresses.degraded())) {
                assertNobodyListensAt(process, address);
            }
        }
    }

    /** Ever new names: what a group has left behind vanishes after {@code store.forgetMs}. */
    @Test
    @Timeout(value = 240, timeUnit = TimeUnit.SECONDS)
    void groupsOfEverNewNamesLeaveNothingBehind() throws Exception {
        JsonObject settings = FILLED_SOON.copy().put("store", new JsonObject().put("forgetMs", 1_000));
        InMemoryCluster.Process first = cluster.start(settings);
        InMemoryCluster.Process second = cluster.start(settings);
        for (int cycle = 0; cycle < WARM_UP; cycle++) {
            oneGroup("warm-up-" + cycle, first, second);
        }
        awaitEmptyStore();
        Holdings before = holdings(first, second);
        for (int cycle = 0; cycle < CYCLES; cycle++) {
            oneGroup("group-" + cycle, first, second);
        }
        awaitEmptyStore();
        Holdings after = settled(before, first, second);
        System.out.println(CYCLES + " groups: " + before + " → " + after);
        assertThat(after.regions()).isZero();
        assertThat(after.deployments()).isZero();
        assertThat(after.threads()).isBetween(before.threads() - 8, before.threads() + 4);
        assertThat(after.descriptors()).isBetween(before.descriptors() - 8, before.descriptors() + 4);
        assertThat(after.heapBytes()).isLessThan(before.heapBytes() + MIB);
        assertThat(after.directBytes()).isLessThan(before.directBytes() + 4 * MIB);
    }

    private void awaitEmptyStore() {
        Eventually.holds(
                "all groups are forgotten", () -> cluster.shared().keys().isEmpty());
    }

    private static void oneGroup(String name, InMemoryCluster.Process first, InMemoryCluster.Process second) {
        JoinedRank zero = first.join(GroupOptions.of(name, 0, 2).segment("kv", MIB));
        JoinedRank one = second.join(GroupOptions.of(name, 1, 2).segment("kv", MIB));
        InMemoryCluster.await(zero, one);
        Bounded.await(Future.all(zero.leave(), one.leave()), "leaving the group");
    }

    private void cycle(InMemoryCluster.Process first, InMemoryCluster.Process second) {
        JoinedRank zero = first.join(GroupOptions.of("g", 0, 2).segment("kv", MIB));
        JoinedRank one = second.join(GroupOptions.of("g", 1, 2).segment("kv", MIB));
        InMemoryCluster.await(zero, one);
        Future<?> lost = Future.all(first.degraded("g"), second.degraded("g"));
        second.muster()
                .process()
                .transport()
                .channel(first.muster().processId())
                .orElseThrow()
                .close(new LossEvidence(LossEvidence.Kind.CLOSED_HERE, "cut by the test"));
        Bounded.await(lost, "the events of the loss");
        InMemoryCluster.await(zero, one);
        Bounded.await(Future.all(zero.leave(), one.leave()), "future all");
    }

    /** Sockets and threads end a moment after whoever closed them was told so. */
    private Holdings settled(Holdings before, InMemoryCluster.Process first, InMemoryCluster.Process second)
            throws Exception {
        long endNanos = System.nanoTime() + 5_000_000_000L;
        Holdings now = holdings(first, second);
        while (System.nanoTime() - endNanos < 0
                && (now.threads() > before.threads() || now.descriptors() > before.descriptors())) {
            java.util.concurrent.locks.LockSupport.parkNanos(50_000_000);
            now = holdings(first, second);
        }
        return now;
    }

    private Holdings holdings(InMemoryCluster.Process first, InMemoryCluster.Process second) throws Exception {
        long heap = Long.MAX_VALUE;
        for (int i = 0; i < 3; i++) {
            System.gc();
            heap = Math.min(
                    heap,
                    ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
        }
        long direct = ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .sum();
        try (var descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return new Holdings(
                    ManagementFactory.getThreadMXBean().getThreadCount(),
                    descriptors.count(),
                    heap,
                    direct,
                    first.muster().process().regions().size()
                            + second.muster().process().regions().size(),
                    cluster.shared().keys(),
                    first.vertx().deploymentIDs().size()
                            + second.vertx().deploymentIDs().size());
        }
    }

    // P-14: who owns what
    @Test
    @Timeout(value = 60, timeUnit = TimeUnit.SECONDS)
    void closingMusterLeavesVertxUpAndNothingOfItsOwn() {
        InMemoryCluster.Process first = cluster.start();
        InMemoryCluster.Process second = cluster.start();
        JoinedRank zero = first.join(GroupOptions.of("g", 0, 2).segment("kv", MIB));
        JoinedRank one = second.join("g", 1, 2);
        InMemoryCluster.await(zero, one);
        Future<?> waiting = first.join("waiting", 0, 2).allConnected(InMemoryCluster.PATIENCE);
        var address = first.muster().address();
        Bounded.await(first.muster().close(), "closing Muster");
        assertThatThrownBy(() -> Bounded.await(waiting, "the wait for all connected"))
                .isInstanceOfSatisfying(
                        MusterException.class, ended -> assertThat(ended.kind()).isEqualTo(MusterException.Kind.FATAL))
                .hasMessageContaining("closed");
        assertThat(first.vertx().deploymentIDs()).isEmpty();
        assertThat(first.muster().process().regions().size()).isZero();
        assertNobodyListensAt(first, new Addresses(new GroupName("g")).link(0, 1));
        assertThatThrownBy(() -> Bounded.await(
                        first.vertx().createNetClient().connect(address.port(), address.host()),
                        "connecting a plain client"))
                .hasMessageContaining("Connection refused");
        assertThat(Bounded.await(first.vertx().<String>executeBlocking(() -> "up"), "a blocking task"))
                .isEqualTo("up");
        Bounded.await(first.muster().close(), "closing Muster");
    }

    private static void assertNobodyListensAt(InMemoryCluster.Process process, String address) {
        assertThatThrownBy(() -> Bounded.await(
                        process.vertx()
                                .eventBus()
                                .request(address, new JsonObject(), new DeliveryOptions().setLocalOnly(true)),
                        "the reply on the event bus"))
                .as(address)
                .isInstanceOfSatisfying(
                        ReplyException.class,
                        nobody -> assertThat(nobody.failureType()).isEqualTo(ReplyFailure.NO_HANDLERS));
    }
}
