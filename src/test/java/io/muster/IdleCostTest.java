// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.OperatingSystemMXBean;
import io.muster.group.ProcessId;
import io.muster.options.GroupOptions;
import io.muster.options.MusterOptions;
import io.muster.store.InMemorySegmentStore;
import io.muster.store.SegmentStore;
import io.muster.store.WrappedStore;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What many groups that are connected, and do nothing, cost. */
// O-3
@Timeout(60)
class IdleCostTest {
    private static final int GROUPS = 48;
    private static final int RECONCILE_MS = 500;
    private static final int LOOK_MS = 2_000;
    /** Of each group in each process: the key of its own rank, the record of the epoch, and then all keys at once. */
    private static final int OPERATIONS_PER_RECONCILE = 3;

    private final List<Muster> musters = new ArrayList<>();
    private final List<Vertx> vertxes = new ArrayList<>();
    private final InMemorySegmentStore.Shared shared = new InMemorySegmentStore.Shared();
    private final AtomicLong operations = new AtomicLong();

    @AfterEach
    void close() {
        musters.forEach(muster -> Bounded.await(muster.close(), "closing Muster"));
        vertxes.forEach(vertx -> Bounded.await(vertx.close(), "closing Vert.x"));
    }

    /** Counts what is asked of it. */
    private record Counted(SegmentStore store, AtomicLong operations) implements WrappedStore {
        @Override
        public Future<@Nullable StoredBytes> get(String key) {
            operations.incrementAndGet();
            return store.get(key);
        }

        @Override
        public Future<Map<String, StoredBytes>> getAll(Set<String> keys) {
            operations.incrementAndGet();
            return store.getAll(keys);
        }

        @Override
        public Future<Boolean> compareAndSet(String key, @Nullable StoredBytes expected, @Nullable StoredBytes next) {
            operations.incrementAndGet();
            return store.compareAndSet(key, expected, next);
        }
    }

    private Muster start() {
        Vertx vertx = Vertx.vertx();
        vertxes.add(vertx);
        var id = ProcessId.random(RandomGenerator.getDefault());
        var settings = new JsonObject()
                .put("flight", new JsonObject().put("keepFiles", 0))
                .put("store", new JsonObject().put("reconcileMs", RECONCILE_MS));
        Muster muster = Bounded.await(
                Muster.start(
                        vertx,
                        new Counted(shared.store(vertx.getOrCreateContext(), id), operations),
                        id,
                        MusterOptions.fromJson(settings)),
                "starting Muster");
        musters.add(muster);
        return muster;
    }

    @Test
    void idleGroupsCostAlmostNothing() throws InterruptedException {
        List<Muster> processes = List.of(start(), start());
        List<Future<?>> connected = new ArrayList<>();
        for (int group = 0; group < GROUPS; group++) {
            for (int rank = 0; rank < 2; rank++) {
                connected.add(processes
                        .get(rank)
                        .join(GroupOptions.of("g" + group, rank, 2))
                        .compose(joined -> joined.allConnected(InMemoryCluster.PATIENCE)));
            }
        }
        Bounded.await(Future.all(connected), "future all");
        assertThat(processes)
                .allSatisfy(one -> assertThat(one.diagnostics().holdings().channels())
                        .as("shared by all groups")
                        .isEqualTo(1));
        Thread.sleep(2 * RECONCILE_MS); // what follows from connecting
        long operationsBefore = operations.get();
        long cpuBefore = cpuNanos();
        Thread.sleep(LOOK_MS); // what is measured
        long asked = operations.get() - operationsBefore;
        double share = (cpuNanos() - cpuBefore) / (LOOK_MS * 1e6);
        System.out.printf(
                "IdleCostTest: %d groups in 2 processes, reconciled each %d ms: %d store operations in %d ms, %.3f of one core%n",
                GROUPS, RECONCILE_MS, asked, LOOK_MS, share);
        int rounds = LOOK_MS / RECONCILE_MS + 1;
        assertThat(asked)
                .as("read again, slowly, and nothing else")
                .isBetween(1L, 2L * GROUPS * rounds * OPERATIONS_PER_RECONCILE);
        // a tenth of the pause between readings of a real group, so ten times its cost; what compiles in the background
        // is in it
        assertThat(share).as("of one core").isLessThan(0.5);
    }

    private static long cpuNanos() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }
}
