// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.muster.bus.Addresses;
import io.muster.group.GroupName;
import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.muster.options.GroupOptions;
import io.muster.options.MusterOptions;
import io.muster.store.InMemorySegmentStore;
import io.muster.transfer.RemoteRegion;
import io.muster.transfer.memory.Lease;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a rank can do after it has joined; real sockets, the store in memory. */
@Timeout(60)
class JoinedRankTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final InMemorySegmentStore.Shared shared = new InMemorySegmentStore.Shared();
    private final List<Vertx> vertxes = new ArrayList<>();
    private final List<Muster> musters = new ArrayList<>();

    private Muster start() {
        return start(MusterOptions.defaults());
    }

    private Muster start(MusterOptions options) {
        Vertx vertx = Vertx.vertx();
        ProcessId id = ProcessId.random(RandomGenerator.getDefault());
        vertxes.add(vertx);
        Muster muster = Bounded.await(
                Muster.start(vertx, shared.store(vertx.getOrCreateContext(), id), id, options), "starting Muster");
        musters.add(muster);
        return muster;
    }

    @AfterEach
    void closeAll() {
        musters.forEach(muster -> Bounded.await(muster.close(), "closing Muster"));
        vertxes.forEach(vertx -> Bounded.await(vertx.close(), "closing Vert.x"));
    }

    @Test
    void publishesASegmentThatIsRegisteredLaterAndKeepsLinksAndEpoch() {
        JoinedRank zero =
                Bounded.await(start().join(GroupOptions.of("g", 0, 2).segment("early", 16)), "joining the group");
        JoinedRank one = Bounded.await(start().join(GroupOptions.of("g", 1, 2)), "joining the group");
        long epoch = Bounded.await(one.allConnected(PATIENCE), "all connected at rank 1")
                .epoch();
        Bounded.await(zero.allConnected(PATIENCE), "all connected at rank 0");
        Queue<String> changes = new ConcurrentLinkedQueue<>();
        vertxes.forEach(vertx -> {
            vertx.eventBus().localConsumer(new Addresses(new GroupName("g")).peerState(), message -> {
                if (!((JsonObject) message.body())
                        .getString("to")
                        .equals("CONNECTED")) { // one that became so before may be told late
                    changes.add(message.body().toString());
                }
            });
            vertx.eventBus()
                    .localConsumer(
                            new Addresses(new GroupName("g")).degraded(),
                            message -> changes.add(message.body().toString()));
        });

        MemorySegment late = Bounded.await(zero.register("late", 4096), "registering a segment of rank 0");
        Eventually.value("rank 0 has 2 segments", () -> one.segments(0).size(), size -> size == 2);

        assertThat(one.segments(0))
                .isEqualTo(zero.segments(0))
                .extracting(PublishedSegment::name)
                .containsExactly("early", "late");
        try (Arena arena = Arena.ofShared()) {
            Bounded.await(
                    one.write(0, "late", 4092, arena.allocateFrom(ValueLayout.JAVA_INT, 42)), "the write of rank 1");
        }
        assertThat(late.get(ValueLayout.JAVA_INT, 4092)).isEqualTo(42);
        assertThat(zero.segment("late")).isEqualTo(late);
        assertThat(Bounded.await(one.allConnected(PATIENCE), "all connected at rank 1")
                        .epoch())
                .isEqualTo(epoch);
        assertThat(changes).isEmpty();
    }

    @Test
    void registrationsAtTheSameTimeLoseNone() {
        JoinedRank zero = Bounded.await(start().join(GroupOptions.of("g", 0, 2)), "joining the group");
        JoinedRank one = Bounded.await(start().join(GroupOptions.of("g", 1, 2)), "joining the group");
        List<Future<MemorySegment>> all = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            all.add(zero.register("s" + i, 8 + i));
        }
        Bounded.await(Future.all(all), "future all");
        Eventually.value("rank 0 has 20 segments", () -> one.segments(0).size(), size -> size == 20);
        assertThat(one.segments(0)).containsExactlyInAnyOrderElementsOf(zero.segments(0));
    }

    // T-5
    @Test
    void aSegmentThatIsTakenBackIsFreedAndCanBeRegisteredAgain() {
        JoinedRank zero = Bounded.await(
                start().join(GroupOptions.of("g", 0, 2).segment("kept", 8).segment("kv", 16)), "joining the group");
        JoinedRank one = Bounded.await(start().join(GroupOptions.of("g", 1, 2)), "joining the group");
        long epoch = Bounded.await(one.allConnected(PATIENCE), "all connected at rank 1")
                .epoch();
        MemorySegment memory = zero.segment("kv");

        Bounded.await(zero.unregister("kv"), "unregistering a segment of rank 0");

        assertThat(memory.scope().isAlive()).as("its memory is still allocated").isFalse();
        Eventually.value("rank 1 knows 1 segment", () -> one.segments(0).size(), size -> size == 1);
        assertThat(one.segments(0)).extracting(PublishedSegment::name).containsExactly("kept");
        assertThat(failure(zero.unregister("kv")))
                .hasMessageContaining("rank 0 of group g has no segment 'kv'")
                .returns(MusterException.Kind.CONFIG, MusterException::kind);
        MemorySegment again = Bounded.await(zero.register("kv", 4), "registering a segment of rank 0");
        Eventually.value("rank 1 knows 2 segments", () -> one.segments(0).size(), size -> size == 2);
        try (Arena arena = Arena.ofShared()) {
            Bounded.await(one.write(0, "kv", 0, arena.allocateFrom(ValueLayout.JAVA_INT, 42)), "the write of rank 1");
        }
        assertThat(again.get(ValueLayout.JAVA_INT, 0)).isEqualTo(42);
        assertThat(Bounded.await(one.allConnected(PATIENCE), "all connected at rank 1")
                        .epoch())
                .isEqualTo(epoch);
    }

    // T-5
    @Test
    void aSegmentThatIsTakenBackWhileInUseIsLeakedAndReported() {
        Muster muster = start(MusterOptions.fromJson(new JsonObject()
                .put("peer", new JsonObject().put("close", new JsonObject().put("timeoutMs", 50)))));
        JoinedRank zero = Bounded.await(muster.join(GroupOptions.of("g", 0, 1).segment("kv", 16)), "joining the group");
        MemorySegment memory = zero.segment("kv");
        RemoteRegion region =
                Objects.requireNonNull(zero.runtime().seat(0).segment("kv")).remote();
        Lease lease = (Lease) muster.process().regions().lease(region.id(), region.key(), 0, 16);

        assertThat(failure(zero.unregister("kv")))
                .hasMessageContaining("is still used (1 transfers of this process, waited 50 ms)")
                .returns(MusterException.Kind.RETRY, MusterException::kind);

        assertThat(memory.scope().isAlive()).isTrue();
        lease.release();
    }

    @Test
    void refusesInvalidSegments() {
        JoinedRank zero = Bounded.await(start().join(GroupOptions.of("g", 0, 1).segment("kv", 8)), "joining the group");
        assertThat(failure(zero.register("kv", 8)))
                .hasMessageContaining("rank 0 of group g has a segment 'kv' already")
                .returns(MusterException.Kind.CONFIG, MusterException::kind);
        assertThat(failure(zero.register(" ", 0)))
                .hasMessageContaining("1 to 64 characters")
                .hasMessageContaining("at least 1 byte, got 0")
                .returns(MusterException.Kind.CONFIG, MusterException::kind);
        assertThat(failure(zero.register("huge", 1L << 60)))
                .hasMessageContaining("needs 1152921504606846976 bytes")
                .returns(MusterException.Kind.CONFIG, MusterException::kind);
        assertThat(zero.segments(0)).extracting(PublishedSegment::name).containsExactly("kv");
        assertThat(catchThrowableOfType(MusterException.class, () -> zero.segments(1)))
                .hasMessageContaining("outside the world size 1");
        assertThat(failure(musters.getFirst().join(GroupOptions.of("h", 0, 1).segment("huge", 1L << 60)))
                        .kind())
                .isEqualTo(MusterException.Kind.CONFIG);
        for (int i = 1; i < 1024; i++) {
            Bounded.await(zero.register("s" + i, 1), "registering a segment of rank 0");
        }
        assertThat(failure(zero.register("one more", 1)))
                .hasMessageContaining("1024 segments")
                .returns(MusterException.Kind.CONFIG, MusterException::kind);
    }

    @Test
    void aRankThatHasLeftRegistersNothing() {
        JoinedRank zero = Bounded.await(start().join(GroupOptions.of("g", 0, 1)), "joining the group");
        Bounded.await(zero.leave(), "leaving with rank 0");
        assertThat(musters.getFirst().process().regions().size())
                .as("registered regions")
                .isZero();
        assertThat(failure(zero.register("kv", 8)).kind()).isEqualTo(MusterException.Kind.FATAL);
        assertThat(failure(zero.allConnected(PATIENCE)).kind()).isEqualTo(MusterException.Kind.FATAL);
        Bounded.await(zero.leave(), "leaving with rank 0");
    }

    @Test // G-1
    void aGroupThatWasNotJoinedLeavesNothingBehind() {
        Muster first = start();
        Bounded.await(first.join(GroupOptions.of("g", 0, 1)), "joining the group");
        Muster late = start();
        assertThat(failure(late.join(GroupOptions.of("g", 0, 1)))).hasMessageContaining("is held by pid");
        assertThat(Bounded.await(late.diagnostics().status(null), "late status"))
                .isEmpty();
        assertThat(late.process().regions().size()).as("registered regions").isZero();
        Bounded.await(first.close(), "first close");
        Bounded.await(late.join(GroupOptions.of("g", 0, 2)), "late join");
    }

    @Test // B-5
    void closingMusterEndsAWaitWithNeitherSuccessNorTimeout() {
        Muster muster = start();
        Future<?> wait = Bounded.await(muster.join(GroupOptions.of("g", 0, 2)), "joining the group")
                .allConnected(PATIENCE);
        Bounded.await(muster.close(), "closing Muster");
        assertThat(failure(wait))
                .hasMessageContaining("closed")
                .returns(MusterException.Kind.FATAL, MusterException::kind);
        assertThat(failure(muster.join(GroupOptions.of("g", 0, 2)))).hasMessage("Muster is closed");
    }

    private static MusterException failure(Future<?> future) {
        MusterException failure =
                catchThrowableOfType(MusterException.class, () -> Bounded.await(future, "the failure"));
        assertThat(failure).as("failed").isNotNull();
        return failure;
    }
}
