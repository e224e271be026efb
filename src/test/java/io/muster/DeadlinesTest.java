// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.muster.group.GroupName;
import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.muster.options.GroupOptions;
import io.muster.options.MusterOptions;
import io.muster.store.InMemorySegmentStore;
import io.muster.store.SegmentStore;
import io.muster.store.WrappedStore;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * B-3, P-13: the public interface, call by call, while the store does not answer and after Vert.x was closed. Each ends
 * within its bound, or is told of for as long as it waits, and ends when the store is back.
 */
@Timeout(60)
class DeadlinesTest {
    private static final long STORE_DEADLINE_MS = 100;
    private static final Duration SHORT = Duration.ofMillis(600);

    private final InMemorySegmentStore.Shared shared = new InMemorySegmentStore.Shared();
    private Vertx vertx;
    private FrozenStore store;
    private Muster muster;

    @BeforeEach
    void start() {
        vertx = Vertx.vertx();
        var id = ProcessId.random(RandomGenerator.getDefault());
        store = new FrozenStore(shared.store(vertx.getOrCreateContext(), id));
        JsonObject settings = new JsonObject()
                .put("flight", new JsonObject().put("keepFiles", 0))
                .put("status", new JsonObject().put("nodeTimeoutMs", 100));
        muster = Bounded.await(Muster.start(vertx, store, id, MusterOptions.fromJson(settings)), "starting Muster");
    }

    @AfterEach
    void stop() {
        store.thaw();
        Bounded.await(muster.close().otherwiseEmpty(), "closing Muster");
        Bounded.await(vertx.close(), "closing Vert.x");
    }

    /** A store that answers nothing while it is frozen, and keeps its own deadline, as the contract says. */
    private static final class FrozenStore implements WrappedStore {
        private final SegmentStore store;
        private volatile boolean frozen;
        private volatile int missed;

        FrozenStore(SegmentStore store) {
            this.store = store;
        }

        void freeze() {
            frozen = true;
        }

        void thaw() {
            frozen = false;
        }

        private <T extends @Nullable Object> Future<T> when(Supplier<Future<T>> operation) {
            if (!frozen) {
                return operation.get();
            }
            Promise<T> late = Promise.promise();
            // as the real one does: not a timer of Vert.x, which ends with the verticle that asks
            CompletableFuture.delayedExecutor(STORE_DEADLINE_MS, TimeUnit.MILLISECONDS)
                    .execute(() -> {
                        missed++;
                        late.fail(MusterException.retry(
                                "store operation not answered after " + STORE_DEADLINE_MS + " ms"));
                    });
            return late.future();
        }

        @Override
        public Future<@Nullable StoredBytes> get(String key) {
            return when(() -> store.get(key));
        }

        @Override
        public Future<Map<String, StoredBytes>> getAll(Set<String> keys) {
            return when(() -> store.getAll(keys));
        }

        @Override
        public Future<Boolean> compareAndSet(String key, @Nullable StoredBytes expected, @Nullable StoredBytes next) {
            return when(() -> store.compareAndSet(key, expected, next));
        }

        @Override
        public SegmentStore store() {
            return store;
        }
    }

    @Test
    void aJoinThatWaitsForTheStoreIsReported() throws Exception {
        store.freeze();
        Future<JoinedRank> join = muster.join(GroupOptions.of("g", 0, 1));
        awaitCall("publish rank 0 of group g for ");
        Eventually.value(
                "the wait names the store",
                () -> Bounded.await(muster.groups().whatIsMissing(new GroupName("g")), "what is missing"),
                missing -> missing.contains("store unavailable since "));
        assertThat(Bounded.await(muster.groups().whatIsMissing(new GroupName("g")), "what is missing"))
                .contains("store operation not answered", "rank 0: never published");
        assertThat(join.isComplete()).isFalse();

        store.thaw();

        Bounded.await(join.await(20, TimeUnit.SECONDS).allConnected(Duration.ofSeconds(20)), "all connected");
        Eventually.value("no call is open", () -> muster.process().own().openCalls(), List::isEmpty);
        assertThat(store.missed).isPositive();
    }

    @Test
    void everyCallOfARankEndsInTimeWhileTheStoreIsFrozen() throws Exception {
        JoinedRank rank = Bounded.await(muster.join(GroupOptions.of("g", 0, 2)), "joining the group");
        store.freeze();

        MusterException missed = catchThrowableOfType(
                MusterException.class, () -> rank.allConnected(SHORT).await(20, TimeUnit.SECONDS));
        assertThat(missed.kind()).isEqualTo(MusterException.Kind.RETRY);
        assertThat(missed).hasMessageContaining("rank 1: never published");
        assertThat(rank.report().await(20, TimeUnit.SECONDS).missing()).hasSize(1);
        assertThat(muster.diagnostics().status("g").await(20, TimeUnit.SECONDS)).hasSize(1);
        assertThat(muster.diagnostics().dumpFlightRecord("asked").await(20, TimeUnit.SECONDS))
                .isEmpty();
        try (Arena arena = Arena.ofShared()) {
            assertThat(catchThrowableOfType(
                                    MusterException.class,
                                    () -> rank.write(1, "kv", 0, arena.allocate(8))
                                            .await(20, TimeUnit.SECONDS))
                            .kind())
                    .isEqualTo(MusterException.Kind.RETRY);
        }
        var register = rank.register("kv", 8);
        awaitCall("register segment 'kv' of rank 0 of group g");
        assertThat(register.isComplete()).isFalse();
        rank.leave().await(20, TimeUnit.SECONDS);
        assertThat(catchThrowableOfType(MusterException.class, () -> register.await(20, TimeUnit.SECONDS))
                        .kind())
                .isEqualTo(MusterException.Kind.FATAL);
        Eventually.value("no call is open", () -> muster.process().own().openCalls(), List::isEmpty);
        assertThat(store.missed).isPositive();
    }

    @Test // B-5
    void closingEndsCallsThatWaitForAFrozenStore() throws Exception {
        store.freeze();
        Future<JoinedRank> join = muster.join(GroupOptions.of("g", 0, 1));
        Eventually.value("an operation missed its deadline", () -> store.missed, seen -> seen > 0);
        muster.close().await(20, TimeUnit.SECONDS);
        assertThat(catchThrowableOfType(MusterException.class, () -> join.await(20, TimeUnit.SECONDS))
                        .kind())
                .isEqualTo(MusterException.Kind.FATAL);
        assertThat(muster.process().own().openCalls()).isEmpty();
    }

    @Test // B-5
    void everyCallEndsAfterVertxWasClosed() throws Exception {
        JoinedRank rank = Bounded.await(muster.join(GroupOptions.of("g", 0, 2)), "joining the group");
        PreparedRank prepared = Bounded.await(muster.prepare(GroupOptions.of("g", 1, 2)), "preparing the rank");
        vertx.close().await(20, TimeUnit.SECONDS);

        assertEnds("publish", prepared::publish);
        assertEnds("join", () -> muster.join(GroupOptions.of("h", 0, 2)));
        assertEnds("allConnected", () -> rank.allConnected(SHORT));
        assertEnds("register", () -> rank.register("kv", 8));
        assertEnds("report", rank::report);
        assertEnds("status", () -> muster.diagnostics().status("g"));
        assertEnds("dump", () -> muster.diagnostics().dumpFlightRecord("asked"));
        try (Arena arena = Arena.ofShared()) {
            assertEnds("write", () -> rank.write(1, "kv", 0, arena.allocate(8)));
        }
        assertEnds("leave", rank::leave);
        assertEnds("close", muster::close);
    }

    private void awaitCall(String start) {
        Eventually.value(
                "an open call '" + start + "...'",
                () -> muster.process().own().openCalls(),
                calls -> calls.stream().anyMatch(call -> call.startsWith(start)));
    }

    /** However it ends: with a value, or with a failure of ours, never by a throw and never not at all. */
    private static void assertEnds(String what, Supplier<Future<?>> call) {
        try {
            Bounded.await(call.get(), what);
        } catch (MusterException failure) {
            assertThat(failure.getMessage()).as(what).isNotBlank();
        }
    }
}
