// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.group.GpuSlice;
import io.muster.group.MusterException;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Numbers and message bodies from outside, at their limits and beyond: no call throws, and no message fails. */
@Timeout(60)
class LimitsTest {
    private final InMemoryCluster cluster = new InMemoryCluster();
    private InMemoryCluster.Process process;
    private JoinedRank rank;

    @BeforeEach
    void join() {
        process = cluster.start();
        rank = process.join("g", 0, 2);
    }

    @AfterEach
    void close() {
        cluster.close();
    }

    private record Wrong(String what, Function<JoinedRank, Future<?>> call, String complaint) {
        @Override
        public String toString() {
            return what;
        }
    }

    private static final MemorySegment BYTE = MemorySegment.ofBuffer(java.nio.ByteBuffer.allocateDirect(1));

    @SuppressWarnings("unused") // read by JUnit
    private static final List<Wrong> WRONG = List.of(
            new Wrong("no bytes", rank -> rank.register("kv", 0), "at least 1 byte"),
            new Wrong("negative bytes", rank -> rank.register("kv", Long.MIN_VALUE), "at least 1 byte"),
            new Wrong("all bytes", rank -> rank.register("kv", Long.MAX_VALUE), "register less"),
            new Wrong("no name", rank -> rank.register(" ", 8), "blank"),
            new Wrong("a long name", rank -> rank.register("x".repeat(65), 8), "64"),
            new Wrong("negative bytes on a GPU", rank -> rank.registerGpu("kv", 0, -1), "at least 1 byte"),
            new Wrong("a GPU below 0", rank -> rank.registerGpu("kv", Integer.MIN_VALUE, 8), "GPU"),
            new Wrong("no GPU", rank -> rank.registerGpu("kv", new GpuSlice(Integer.MAX_VALUE, 16, 8)), "GPU"),
            new Wrong("a rank below 0", rank -> rank.write(-1, "kv", 0, BYTE), "0..1"),
            new Wrong("a rank that is not there", rank -> rank.write(Integer.MAX_VALUE, "kv", 0, BYTE), "0..1"),
            new Wrong("an unknown segment", rank -> rank.unregister("x".repeat(1000)), "no segment"));

    @ParameterizedTest
    @FieldSource("WRONG")
    void aWrongNumberFailsTheCallWithConfig(Wrong wrong) {
        assertThatThrownBy(() -> Bounded.await(wrong.call.apply(rank), wrong.what))
                .isInstanceOfSatisfying(
                        MusterException.class,
                        failure -> assertThat(failure.kind())
                                .as(failure.getMessage())
                                .isEqualTo(MusterException.Kind.CONFIG))
                .hasMessageContaining(wrong.complaint)
                .hasMessageNotContaining("null");
    }

    @Test
    void theLongestAndTheShortestDeadlinesAreDeadlines() {
        Future<?> longest = rank.allConnected(Duration.ofSeconds(Long.MAX_VALUE));
        assertThatThrownBy(() -> Bounded.await(rank.allConnected(Duration.ofSeconds(Long.MIN_VALUE)), "the wait"))
                .hasMessageContaining("not all connected after 0 ms");
        assertThatThrownBy(() -> Bounded.await(rank.allConnected(Duration.ZERO), "the wait"))
                .hasMessageContaining("not all connected after 0 ms");
        assertThat(longest.isComplete()).isFalse();
    }

    @Test
    void aLongReasonOfAReportIsCut() {
        JoinedRank one = cluster.start().join("g", 1, 2);
        InMemoryCluster.await(rank, one);
        var bus = process.vertx().eventBus();
        Promise<String> reason = Promise.promise();
        bus.<JsonObject>localConsumer("muster.g.peer-state", message -> {
            if (message.body().getInteger("rank") == 0
                    && message.body().getString("from").equals("CONNECTED")) {
                reason.tryComplete(message.body().getString("reason"));
            }
        });
        bus.send(
                "muster.g.report",
                new JsonObject().put("rank", 0).put("peer", 1).put("reason", "x".repeat(2_000_000)));

        assertThat(Bounded.await(reason.future(), "the loss").length()).isBetween(500, 600);
    }

    @Test
    void aMalformedBodyOnTheBusChangesNothing() {
        List<Throwable> thrown = new ArrayList<>();
        process.vertx().exceptionHandler(failure -> {
            synchronized (thrown) {
                thrown.add(failure);
            }
        });
        var bus = process.vertx().eventBus();
        List<Object> values = List.of("x", 1.5, Long.MAX_VALUE, -1, true, new JsonObject(), new JsonArray(), 1L << 40);
        for (String address : List.of("report", "all-connected", "degraded", "status", "flight-record")) {
            String at = "muster.g." + address;
            bus.publish(at, null);
            bus.publish(at, "no object");
            bus.publish(at, new JsonArray());
            bus.publish(at, new JsonObject());
            for (Object value : values) {
                var body = new JsonObject();
                List.of("rank", "peer", "incarnation", "epoch", "reason", "seenHere", "signature", "lost")
                        .forEach(name -> body.put(name, value));
                bus.publish(at, body);
                bus.publish(at, body.copy().put("rank", 0).put("peer", 0));
            }
        }
        JoinedRank one = cluster.start().join("g", 1, 2);
        InMemoryCluster.await(rank, one);
        synchronized (thrown) {
            assertThat(thrown).isEmpty();
        }
    }
}
