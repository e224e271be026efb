// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.group.AllConnected;
import io.muster.group.WriteException;
import io.muster.options.GroupOptions;
import io.muster.testing.TransportFault;
import io.muster.testing.TransportFault.Act;
import io.muster.testing.TransportFault.Point;
import io.muster.testing.TransportFaults;
import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import io.vertx.junit5.Timeout;
import io.vertx.junit5.VertxExtension;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a group does when the way between two of its processes fails, on one side, in one direction. */
@ExtendWith(VertxExtension.class)
@Timeout(value = 60, timeUnit = TimeUnit.SECONDS)
class TransportFaultGroupTest {
    /** Short limits: what fails is tried again soon. */
    private static final JsonObject QUICK = new JsonObject("""
      {"peer": {"open": {"timeoutMs": 300}, "warmup": {"timeoutMs": 300}, "backoff": {"maxMs": 50}, "close": {"timeoutMs": 500}},
       "warmup": {"mode": "exchange"}, "liveness": {"intervalMs": 100, "misses": 5}}""");

    private final InMemoryCluster cluster = new InMemoryCluster();
    private final TransportFaults faults = new TransportFaults();
    private JoinedRank zero;
    private JoinedRank one;

    @AfterEach
    void close() {
        cluster.close();
    }

    /** Rank 0 has no faults, rank 1 (which dials) has those of the test. */
    private Future<AllConnected> join() {
        return join(QUICK, faults);
    }

    private Future<AllConnected> join(JsonObject settings, TransportFaults ofOne) {
        zero = cluster.start(settings).join("g", 0, 2);
        one = cluster.start(settings, ofOne).join("g", 1, 2);
        return Future.all(zero.allConnected(InMemoryCluster.PATIENCE), one.allConnected(InMemoryCluster.PATIENCE))
                .map(all -> all.resultAt(0));
    }

    private enum Lie {
        CORRUPT(new Act.Corrupt()),
        NOT_APPLIED(new Act.Drop()),
        REFUSED(new Act.Fail("no room"));

        private final Act act;

        Lie(Act act) {
            this.act = act;
        }
    }

    // P-3, P-4, P-6: neither end stays CONNECTED over a direction that carries nothing, or something else: here the
    // writer's write-back
    @ParameterizedTest
    @EnumSource
    void aBrokenWriteBackConnectsNoLink(Lie lie) {
        TransportFault broken = faults.add(TransportFault.at(Point.WRITE, lie.act));
        Future<AllConnected> all = join();
        Eventually.value("two writes were broken", () -> broken.fired(), seen -> seen >= 2);
        assertThat(all.isComplete()).isFalse();
        Eventually.value(
                "the report names rank 0",
                () -> Bounded.await(one.report(), "the report of rank 1").text(),
                text -> text.contains("rank 0: "));
        broken.heal();
        assertThat(Bounded.await(all, "all connected").linkCount()).isEqualTo(2);
    }

    // P-3: the same in the other direction, where the waiter's write is what fails
    @ParameterizedTest
    @EnumSource
    void aBrokenWarmupConnectsNoLink(Lie lie) {
        TransportFault broken = faults.add(TransportFault.at(Point.WRITE, lie.act));
        zero = cluster.start(QUICK, faults).join("g", 0, 2);
        one = cluster.start(QUICK).join("g", 1, 2);
        Future<AllConnected> all = one.allConnected(InMemoryCluster.PATIENCE);
        Eventually.value("two writes were broken", () -> broken.fired(), seen -> seen >= 2);
        assertThat(all.isComplete()).isFalse();
        broken.heal();
        assertThat(InMemoryCluster.await(zero, one).linkCount()).isEqualTo(2);
    }

    /** What may happen to messages. */
    private enum Loss {
        LOST(new Act.Drop()),
        CORRUPT(new Act.Corrupt()),
        LATE(new Act.Delay(Duration.ofMillis(150)));

        private final Act act;

        Loss(Act act) {
            this.act = act;
        }
    }

    // P-17, P-16, B-8: of the handshake and of the news, going out and coming in
    @ParameterizedTest
    @EnumSource
    void aMessageThatIsLostCorruptOrLateOnlyDelays(Loss loss) {
        List<TransportFault> all = Stream.of(
                        Point.SEND_LINK, Point.RECEIVE_LINK, Point.SEND_GOSSIP, Point.RECEIVE_GOSSIP)
                .map(point -> faults.add(TransportFault.at(point, loss.act).onlyFromTo(1, 2)))
                .toList();
        assertThat(Bounded.await(join(), "joining the group").linkCount()).isEqualTo(2);
        Bounded.await(
                Future.all(zero.register("more", 64), one.register("more", 64)),
                "future all"); // whoever completes an epoch need not tell of its mark
        Eventually.holds("every fault has fired", () -> all.stream().allMatch(fault -> fault.fired() > 0));
    }

    // P-6
    @Test
    void dialsThatFailAreTriedAgain() {
        TransportFault refused = faults.add(
                TransportFault.at(Point.DIAL, new Act.Fail("no route to host")).onlyFromTo(1, 4));
        Future<AllConnected> all = join();
        assertThat(Bounded.await(all, "all connected").linkCount()).isEqualTo(2);
        assertThat(refused.fired()).isEqualTo(4);
    }

    // P-7: opening is bounded, and one peer that can't be dialled delays no other
    @Test
    void aDialThatHangsIsGivenUpAndDelaysNoOtherLink() {
        InMemoryCluster.Process second = cluster.start(QUICK);
        TransportFault hangs = faults.add(TransportFault.at(Point.DIAL, new Act.Hang())
                .with(second.muster().processId())
                .onlyFromTo(1, 2));
        InMemoryCluster.Process first = cluster.start(QUICK);
        InMemoryCluster.Process third = cluster.start(QUICK, faults);
        Future<?> reached = third.link("g", 2, 0, "CONNECTED");
        zero = first.join("g", 0, 3);
        one = second.join("g", 1, 3);
        JoinedRank two = third.join("g", 2, 3);
        Bounded.await(reached, "reached");
        assertThat(InMemoryCluster.await(zero, one, two).linkCount()).isEqualTo(6);
        assertThat(hangs.fired()).isEqualTo(2);
    }

    // B-6: the n-th message ends the channel: lost, told, repaired, with a greater epoch
    @Test
    void aChannelThatEndsInTheMiddleIsDegradedAndRepaired() {
        long before = Bounded.await(join(), "joining the group").epoch();
        Future<JsonObject> degraded = cluster.processes().getFirst().degraded("g");
        TransportFault ends = faults.add(TransportFault.at(Point.RECEIVE_GOSSIP, new Act.Fail("half a frame")));
        Bounded.await(zero.register("more", 64), "registering a segment of rank 0");
        assertThat(Bounded.await(degraded, "the event of the loss").getJsonArray("lost"))
                .hasSize(1);
        ends.heal();
        Eventually.value(
                "an epoch after " + before,
                () -> InMemoryCluster.await(zero, one).epoch(),
                epoch -> epoch > before);
        assertThat(ends.fired()).isPositive();
    }

    // P-5: what was not applied is never COMPLETED
    @Test
    void theWriteAfterAFailedOneArrives() {
        zero = cluster.start(QUICK).join(GroupOptions.of("g", 0, 2).segment("kv", 64));
        one = cluster.start(QUICK, faults).join("g", 1, 2);
        InMemoryCluster.await(zero, one);
        TransportFault fails = faults.add(
                TransportFault.at(Point.WRITE, new Act.Fail("no room")).onlyNth(1));
        try (Arena arena = Arena.ofShared()) {
            MemorySegment source = arena.allocateFrom("hello");
            assertThatThrownBy(() -> Bounded.await(one.write(0, "kv", 0, source), "the write of rank 1"))
                    .isInstanceOf(WriteException.class)
                    .hasMessageContaining("no room");
            assertThat(zero.segment("kv").getString(0)).isEmpty();
            Bounded.await(one.write(0, "kv", 0, source), "the write of rank 1");
            assertThat(zero.segment("kv").getString(0)).isEqualTo("hello");
        }
        assertThat(fails.fired()).isEqualTo(1);
    }

    // P-13
    @Test
    void closingEndsInTimeWhileAWarmupHangs() {
        TransportFault hangs = faults.add(TransportFault.at(Point.WRITE, new Act.Hang()));
        JsonObject patient = QUICK.copy();
        patient.getJsonObject("peer").put("warmup", new JsonObject().put("timeoutMs", 600_000));
        join(patient, faults);
        Eventually.value("a warmup hangs", () -> hangs.fired(), seen -> seen > 0);
        InMemoryCluster.Process hanging = cluster.processes().getLast();
        long begunNanos = System.nanoTime();
        Bounded.await(hanging.muster().close(), "closing Muster");
        assertThat(Duration.ofNanos(System.nanoTime() - begunNanos))
                .as("not the ten minutes of the warmup")
                .isLessThan(Duration.ofSeconds(20));
        assertThat(hanging.muster().process().regions().size()).isZero();
    }
}
