// SPDX-License-Identifier: Apache-2.0

package io.muster.store;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.Eventually;
import io.muster.group.GroupName;
import io.muster.group.MusterException;
import io.muster.segment.KeyOwner;
import io.muster.store.SegmentStore.PresentMembers;
import io.muster.wire.StoredBytes;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/**
 * The contract of every store, tested with two processes that share one. Each test uses other keys, because the stores
 * outlive it.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
abstract class SegmentStoreContractTest {
    static final long PATIENCE_MS = 10_000;

    Vertx vertx;
    Context context;
    SegmentStore here;
    SegmentStore there;

    /** Another process joins, with a store. */
    abstract SegmentStore join(Context context);

    /** The process dies without a leave. */
    abstract void crash(SegmentStore store);

    /** Its member of the cluster shuts itself down. */
    abstract void shutDown(SegmentStore store);

    /** All entries vanish without events of their own. */
    abstract void loseEverything();

    @BeforeAll
    void openTwoProcesses() {
        vertx = Vertx.vertx();
        context = vertx.getOrCreateContext();
        here = join(context);
        there = join(vertx.getOrCreateContext());
    }

    @AfterAll
    void closeAll() {
        await(here.close());
        await(there.close());
        crash(there);
        crash(here);
        await(vertx.close());
    }

    @Test // a process without its store is not left to wait
    void reportsAShutdownButNotItsOwnClose() throws Exception {
        SegmentStore store = join(context);
        var left = new Recorder("any");
        var closed = new Recorder("any");
        listen(store, left);
        SegmentStore other = join(context);
        listen(other, closed);
        await(other.close());
        shutDown(other);
        shutDown(store);
        assertThat(left.ended.poll(PATIENCE_MS, TimeUnit.MILLISECONDS)).isEqualTo(true);
        assertThatThrownBy(() -> await(store.get("any")))
                .isInstanceOfSatisfying(
                        MusterException.class,
                        failure -> assertThat(failure.kind()).isEqualTo(MusterException.Kind.FATAL));
        assertThat(closed.ended).isEmpty();
    }

    @Test
    void aKeyVanishesAfterItsTimeUnlessItChanges() throws Exception {
        for (String key : List.of("late/rank/0", "late/rank/1", "late/epoch")) {
            await(here.compareAndSet(key, null, bytes("a")));
        }
        var recorder = new Recorder("late/rank/0");
        listen(there, recorder);
        Duration soon = Duration.ofSeconds(1);
        assertThat(await(here.expire("late/rank/0", bytes("x"), soon)))
                .as("another value")
                .isFalse();
        for (String key : List.of("late/rank/0", "late/rank/1", "late/epoch")) {
            assertThat(await(here.expire(key, bytes("a"), soon))).isTrue();
        }
        assertThat(await(there.compareAndSet("late/rank/1", bytes("a"), bytes("b"))))
                .isTrue();
        Eventually.holds(
                "the keys that did not change have vanished",
                () -> await(there.getAll(Set.of("late/rank/0", "late/rank/1", "late/epoch")))
                        .equals(Map.of("late/rank/1", bytes("b"))));
        String pushed = recorder.next();
        assertThat(pushed.equals("gone") ? pushed : recorder.next())
                .as("after a push of the same bytes, where the store writes them again")
                .isEqualTo("gone");
        assertThat(await(here.expire("late/rank/0", bytes("a"), soon)))
                .as("an absent key")
                .isFalse();
    }

    @Test
    void setsAnAbsentKeyOnce() {
        assertThat(await(here.get("once"))).isNull();
        assertThat(await(here.compareAndSet("once", null, bytes("a")))).isTrue();
        assertThat(await(there.compareAndSet("once", null, bytes("b")))).isFalse();
        assertThat(await(there.get("once"))).isEqualTo(bytes("a"));
    }

    @Test
    void replacesByContentAndNotByIdentity() {
        await(here.compareAndSet("replace", null, bytes("a")));
        assertThat(await(there.compareAndSet("replace", bytes("x"), bytes("b"))))
                .isFalse();
        assertThat(await(there.compareAndSet("replace", bytes("a"), bytes("b"))))
                .isTrue();
        assertThat(await(here.compareAndSet("replace", bytes("a"), bytes("c")))).isFalse();
        assertThat(await(here.get("replace"))).isEqualTo(bytes("b"));
    }

    @Test
    void removesOnlyTheExactValue() {
        await(here.compareAndSet("remove", null, bytes("newer life")));
        assertThat(await(there.compareAndSet("remove", bytes("older life"), null)))
                .isFalse();
        assertThat(await(here.get("remove"))).isEqualTo(bytes("newer life"));
        assertThat(await(there.compareAndSet("remove", bytes("newer life"), null)))
                .isTrue();
        assertThat(await(here.get("remove"))).isNull();
    }

    @Test
    void doesNotReplaceAnAbsentKey() {
        assertThat(await(here.compareAndSet("absent", bytes("a"), bytes("b")))).isFalse();
        assertThat(await(here.compareAndSet("absent", bytes("a"), null))).isFalse();
        assertThat(await(here.get("absent"))).isNull();
    }

    @Test
    void readsManyKeysAtOnceAndLeavesOutTheAbsent() {
        await(here.compareAndSet("all/1", null, bytes("one")));
        await(there.compareAndSet("all/2", null, bytes("two")));
        assertThat(await(here.getAll(Set.of("all/1", "all/2", "all/3"))))
                .isEqualTo(Map.of("all/1", bytes("one"), "all/2", bytes("two")));
        assertThat(await(here.getAll(Set.of()))).isEmpty();
    }

    @Test
    void losesNoIncrementOfTwoProcesses() throws Exception {
        int each = 50;
        await(here.compareAndSet("counter", null, bytes("0")));
        CompletableFuture<?> one = CompletableFuture.runAsync(() -> increment(here, each));
        CompletableFuture<?> two = CompletableFuture.runAsync(() -> increment(there, each));
        CompletableFuture.allOf(one, two).get(PATIENCE_MS, TimeUnit.MILLISECONDS);
        assertThat(await(here.get("counter"))).isEqualTo(bytes(String.valueOf(2 * each)));
    }

    @Test
    void reportsEveryChangeAfterListening() throws Exception {
        SegmentStore late = join(vertx.getOrCreateContext());
        Recorder recorder = new Recorder("heard/1");
        listen(late, recorder);
        await(here.compareAndSet("heard/1", null, bytes("a")));
        await(there.compareAndSet("heard/1", bytes("a"), bytes("b")));
        await(here.compareAndSet("heard/1", bytes("b"), null));
        assertThat(recorder.next()).isEqualTo(bytes("a").toString());
        assertThat(recorder.next()).isEqualTo(bytes("b").toString());
        assertThat(recorder.next()).isEqualTo("gone");
        await(late.close());
        crash(late);
    }

    @Test
    void reportsNoChangeOfMarks() throws Exception {
        var mark = new Recorder("untold/ready/0");
        var entry = new Recorder("untold/rank/0");
        listen(there, mark);
        listen(there, entry);
        await(here.compareAndSet("untold/ready/0", null, bytes("a")));
        await(here.compareAndSet("untold/rank/0", null, bytes("b")));
        assertThat(entry.next()).isEqualTo(bytes("b").toString());
        assertThat(mark.changes).isEmpty();
        assertThat(await(there.get("untold/ready/0"))).isEqualTo(bytes("a"));
    }

    @Test
    void completesAndNotifiesOnItsContext() throws Exception {
        AtomicReference<Context> completedOn = new AtomicReference<>();
        await(here.get("context").onComplete(_ -> completedOn.set(Vertx.currentContext())));
        assertThat(completedOn.get()).isSameAs(context);

        BlockingQueue<Context> toldOn = new LinkedBlockingQueue<>();
        listen(here, new Recorder("context/told") {
            @Override
            public void changed(String key, @Nullable StoredBytes value) {
                toldOn.add(Vertx.currentContext());
            }
        });
        await(there.compareAndSet("context/told", null, bytes("a")));
        assertThat(toldOn.poll(PATIENCE_MS, TimeUnit.MILLISECONDS)).isSameAs(context);
    }

    @Test
    void refusesOperationsOnceClosedAndStaysSilent() throws Exception {
        SegmentStore closing = join(vertx.getOrCreateContext());
        Recorder closed = new Recorder("closed/1");
        Recorder open = new Recorder("closed/1");
        listen(closing, closed);
        listen(here, open);
        await(closing.close());
        await(closing.close());
        await(here.compareAndSet("closed/1", null, bytes("a")));
        assertThat(open.next()).isEqualTo(bytes("a").toString());
        assertThat(closed.changes).isEmpty();
        assertThatThrownBy(() -> await(closing.get("closed/1")))
                .isInstanceOfSatisfying(
                        MusterException.class, e -> assertThat(e.kind()).isEqualTo(MusterException.Kind.FATAL));
        crash(closing);
    }

    @Test
    void reportsTheMembersThatArePresent() throws Exception {
        Recorder recorder = new Recorder("members");
        listen(here, recorder);
        SegmentStore third = join(vertx.getOrCreateContext());
        String uuid = third.localMemberUuid();
        recorder.awaitMembers(present -> present.memberUuids().contains(uuid));
        assertThat(here.presentMembers().memberUuids()).contains(here.localMemberUuid(), there.localMemberUuid(), uuid);
        assertThat(here.presentMembers().processIds())
                .hasSameSizeAs(here.presentMembers().memberUuids());
        await(third.close());
        crash(third);
        recorder.awaitMembers(present -> !present.memberUuids().contains(uuid));
        assertThat(here.presentMembers().memberUuids()).doesNotContain(uuid);
    }

    @Test // ADR 27
    void namesTheSameOwnerOfAGroupsKeysOnBothMembers() throws Exception {
        for (int number = 0; number < 20; number++) {
            var group = new GroupName("owned-" + number);
            await(here.compareAndSet(new StoreKeys(group).rank(0), null, bytes("a")));
            // members come and go in other tests, and keys move
            Eventually.holds("both members name the same owner of the keys of " + group, () -> {
                KeyOwner owner = here.keyOwner(group);
                return owner != null
                        && owner.equals(there.keyOwner(group))
                        && owner.process() != null
                        && here.presentMembers()
                                .processIds()
                                .contains(owner.process().toString())
                        && here.presentMembers().memberUuids().contains(owner.memberUuid())
                        && holds(owner.memberUuid(), new StoreKeys(group).rank(0));
            });
        }
    }

    /** Whether the member holds the key itself, if that can be known. */
    boolean holds(String memberUuid, String key) {
        return true;
    }

    @Test
    void asksToReadAgainWhenEntriesVanish() throws Exception {
        Recorder recorder = new Recorder("vanished");
        listen(here, recorder);
        await(here.compareAndSet("vanished", null, bytes("a")));
        loseEverything();
        assertThat(recorder.outdated.poll(PATIENCE_MS, TimeUnit.MILLISECONDS)).isEqualTo(true);
        assertThat(await(here.get("vanished"))).isNull();
    }

    private static void increment(SegmentStore store, int times) {
        for (int done = 0; done < times; ) {
            StoredBytes now = await(store.get("counter"));
            int next = Integer.parseInt(new String(now.toByteArray(), UTF_8)) + 1;
            if (await(store.compareAndSet("counter", now, bytes(String.valueOf(next))))) {
                done++;
            }
        }
    }

    static StoredBytes bytes(String text) {
        return StoredBytes.copyOf(text.getBytes(UTF_8));
    }

    /**
     * Registers like a starting process: if a member has just left, registering at all members may take longer than the
     * deadline.
     */
    static void listen(SegmentStore store, SegmentStore.Listener listener) {
        await(store.listen(listener).recover(_ -> store.listen(listener)).recover(_ -> store.listen(listener)));
    }

    static <T> T await(Future<T> future) {
        try {
            return future.toCompletionStage().toCompletableFuture().get(PATIENCE_MS, TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof MusterException expected) {
                throw expected;
            }
            throw new AssertionError(e.getCause());
        } catch (Exception e) {
            throw new AssertionError("no answer within " + PATIENCE_MS + " ms", e);
        }
    }

    /** Keeps the events of one key. */
    static class Recorder implements SegmentStore.Listener {
        private final String key;
        final BlockingQueue<String> changes = new LinkedBlockingQueue<>();
        final BlockingQueue<Boolean> outdated = new LinkedBlockingQueue<>();
        final BlockingQueue<PresentMembers> members = new LinkedBlockingQueue<>();
        final BlockingQueue<Boolean> ended = new LinkedBlockingQueue<>();

        Recorder(String key) {
            this.key = key;
        }

        @Override
        public void changed(String changedKey, @Nullable StoredBytes value) {
            if (changedKey.equals(key)) {
                changes.add(value == null ? "gone" : value.toString());
            }
        }

        @Override
        public void outdated() {
            outdated.add(true);
        }

        @Override
        public void membersChanged(PresentMembers present) {
            members.add(present);
        }

        @Override
        public void ended() {
            ended.add(true);
        }

        String next() throws InterruptedException {
            return changes.poll(PATIENCE_MS, TimeUnit.MILLISECONDS);
        }

        void awaitMembers(java.util.function.Predicate<PresentMembers> as) throws InterruptedException {
            PresentMembers told;
            do {
                told = members.poll(PATIENCE_MS, TimeUnit.MILLISECONDS);
                assertThat(told).as("told of a change of members").isNotNull();
            } while (!as.test(told));
        }
    }
}
