// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.group.MusterException;
import io.muster.group.WriteException;
import io.muster.options.GroupOptions;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.junit5.Timeout;
import io.vertx.junit5.VertxExtension;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Writing into the memory of other ranks, while it is there and while it goes. */
@ExtendWith(VertxExtension.class)
@Timeout(value = 60, timeUnit = TimeUnit.SECONDS)
class WriteGroupTest {
    private static final long MIB = 1 << 20;

    private final InMemoryCluster cluster = new InMemoryCluster();
    private final Arena arena = Arena.ofShared();
    private InMemoryCluster.Process first;
    private InMemoryCluster.Process second;
    private JoinedRank zero;
    private JoinedRank one;

    @BeforeEach
    void connect() {
        first = cluster.start();
        second = cluster.start();
        zero = first.join(GroupOptions.of("g", 0, 3).segment("kv", 64 * MIB));
        one = second.join(GroupOptions.of("g", 1, 3).segment("kv", 4096));
    }

    @AfterEach
    void close() {
        cluster.close();
        arena.close();
    }

    private MemorySegment source(long bytes) {
        MemorySegment source = arena.allocate(bytes);
        source.fill((byte) 9);
        return source;
    }

    private JoinedRank everybody() {
        JoinedRank two = second.join(GroupOptions.of("g", 2, 3).segment("kv", 4096));
        InMemoryCluster.await(zero, one, two);
        return two;
    }

    // L-2
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aTransferCompletesOnTheCallersContext(boolean reads) {
        everybody();
        MemorySegment memory = source(MIB);
        Promise<Boolean> same = Promise.promise();
        second.vertx().runOnContext(_ -> {
            var caller = Vertx.currentContext();
            (reads ? one.read(0, "kv", 0, memory) : one.write(0, "kv", 0, memory))
                    .onComplete(_ -> same.complete(Vertx.currentContext() == caller));
        });
        assertThat(Bounded.await(same.future(), "the transfer")).isTrue();
    }

    // T-1, P-5
    @Test
    void aForbiddenWriteIsRefusedAndTheConnectionSurvives() {
        JoinedRank two = everybody();
        assertThatThrownBy(() -> Bounded.await(one.write(0, "nothing", 0, source(8)), "the write of rank 1"))
                .isInstanceOfSatisfying(
                        MusterException.class,
                        refused -> assertThat(refused.kind()).isEqualTo(MusterException.Kind.CONFIG))
                .hasMessageContaining("no segment 'nothing'");
        for (JoinedRank target : List.of(zero, one, two)) {
            int rank = target.member().rank();
            long bytes = target.segment("kv").byteSize();
            refused(
                    WriteException.Reason.OUT_OF_BOUNDS,
                    () -> Bounded.await(one.write(rank, "kv", bytes - 7, source(8)), "one write"));
            refused(
                    WriteException.Reason.OUT_OF_BOUNDS,
                    () -> Bounded.await(one.write(rank, "kv", -1, source(8)), "one write"));
            refused(
                    WriteException.Reason.OUT_OF_BOUNDS,
                    () -> Bounded.await(one.write(rank, "kv", Long.MAX_VALUE, source(8)), "one write"));
            refused(
                    WriteException.Reason.EMPTY,
                    () -> Bounded.await(one.write(rank, "kv", 0, source(8).asSlice(0, 0)), "one write"));
            Bounded.await(one.write(rank, "kv", bytes - 8, source(8)), "one write");
            assertThat(target.segment("kv").get(ValueLayout.JAVA_BYTE, bytes - 1))
                    .isEqualTo((byte) 9);
            assertThat(target.segment("kv").get(ValueLayout.JAVA_BYTE, bytes - 9))
                    .isZero();
        }
    }

    // one rule: towards a rank of the same process (rank 2), of another one, and itself
    @Test
    void unusableMemoryIsRefusedTowardsEveryRank() {
        everybody();
        try (Arena confined = Arena.ofConfined()) {
            Arena closed = Arena.ofShared();
            MemorySegment freed = closed.allocate(8);
            closed.close();
            List<MemorySegment> unusable = List.of(MemorySegment.ofArray(new byte[8]), confined.allocate(8), freed);
            for (int rank = 0; rank < 3; rank++) {
                int peer = rank;
                for (MemorySegment memory : unusable) {
                    refused(
                            WriteException.Reason.UNUSABLE,
                            () -> Bounded.await(one.write(peer, "kv", 0, memory), "one write"));
                    refused(
                            WriteException.Reason.UNUSABLE,
                            () -> Bounded.await(one.read(peer, "kv", 0, memory), "one read"));
                }
                refused(
                        WriteException.Reason.UNUSABLE,
                        () -> Bounded.await(one.read(peer, "kv", 0, source(8).asReadOnly()), "one read"));
                Bounded.await(one.write(peer, "kv", 0, source(8).asReadOnly()), "one write");
            }
        }
    }

    @Test
    void aWriteToARankOutsideTheGroupNamesTheRange() {
        for (int rank : new int[] {-1, 3, 99}) {
            assertThatThrownBy(() -> Bounded.await(one.write(rank, "kv", 0, source(8)), "the write of rank 1"))
                    .isInstanceOfSatisfying(
                            MusterException.class,
                            refused -> assertThat(refused.kind()).isEqualTo(MusterException.Kind.CONFIG))
                    .hasMessage("rank " + rank + " is outside the world size 3 of group g: ranks are 0..2");
        }
    }

    private static void refused(WriteException.Reason reason, ThrowingCallable write) {
        assertThatThrownBy(write)
                .isInstanceOfSatisfying(
                        WriteException.class,
                        refused -> assertThat(refused.reason()).isEqualTo(reason))
                .message()
                .matches("rank 1 of group g can't (write into|read from) segment 'kv' of rank [012]: refused .*");
    }

    @Test
    void aWriteToARankThatIsNotConnectedSaysSo() {
        assertThatThrownBy(() -> Bounded.await(one.write(2, "kv", 0, source(8)), "the write of rank 1"))
                .isInstanceOfSatisfying(
                        MusterException.class,
                        refused -> assertThat(refused.kind()).isEqualTo(MusterException.Kind.RETRY))
                .hasMessageContaining("rank 1 of group g is not connected to rank 2")
                .hasMessageContaining("wait for all-connected");
        everybody();
        Bounded.await(one.leave(), "leaving with rank 1");
        assertThatThrownBy(() -> Bounded.await(one.write(0, "kv", 0, source(8)), "the write of rank 1"))
                .hasMessageContaining("rank 1 of group g is not held by this process (any more)");
        assertThatThrownBy(() -> one.segment("kv")).hasMessageContaining("not held by this process");
    }

    // P-13, T-5: the target's memory goes, or the writer does; never a use after free, never a write without an end
    @ParameterizedTest
    @ValueSource(strings = {"target leaves", "writer leaves", "target closes", "writer closes", "target crashes"})
    void aRunningWriteEndsWhenEitherRankGoes(String what) {
        everybody();
        MemorySegment source = source(64 * MIB);
        List<Future<Void>> writes = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            writes.add(one.write(0, "kv", 0, source));
        }
        assertThat(writes.getLast().isComplete()).isFalse();
        switch (what) {
            case "target leaves" -> Bounded.await(zero.leave(), "leaving with rank 0");
            case "writer leaves" -> Bounded.await(one.leave(), "leaving with rank 1");
            case "target closes" -> cluster.close(first);
            case "writer closes" -> cluster.close(second);
            default -> cluster.crash(first);
        }
        for (Future<Void> write : writes) {
            Bounded.await(Future.join(List.of(write)).transform(_ -> Future.succeededFuture()), "the end of the write");
            if (write.failed()) {
                assertThat(write.cause())
                        .isInstanceOf(what.equals("writer closes") ? MusterException.class : WriteException.class);
            }
        }
        if (!what.endsWith("crashes")) {
            assertThat((what.startsWith("target") ? zero : one)
                            .runtime()
                            .process()
                            .regions()
                            .size())
                    .isEqualTo(what.equals("writer leaves") ? 2 : 0);
        }
    }
}
