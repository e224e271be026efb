// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.cuda.HostGpus;
import io.muster.group.GroupSecret;
import io.muster.group.ProcessId;
import io.muster.group.WriteException;
import io.muster.options.GroupOptions;
import io.muster.transfer.Channel;
import io.muster.transfer.RemoteRegion;
import io.muster.transfer.SilentListener;
import io.muster.transfer.memory.RegionTable;
import io.muster.transfer.tcp.Keyring;
import io.muster.transfer.tcp.TcpOptions;
import io.muster.transfer.tcp.TcpTransport;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Segments on GPUs, played by memory of the host, in a group with a secret. */
// S-1
@Timeout(120)
class GpuSecuredSegmentTest {
    private static final JsonObject NO_VARIABLE =
            new JsonObject().put("security", new JsonObject().put("secretVariable", ""));
    private static final GroupSecret OURS = GroupSecret.ofText("the secret of group g");
    private static final GroupSecret THEIRS = GroupSecret.ofText("the secret of group h");

    private final InMemoryCluster cluster = new InMemoryCluster();
    private final HostGpus gpus = new HostGpus(1, 0);

    @AfterEach
    void close() {
        cluster.close();
        assertThat(gpus.open()).isEmpty();
    }

    @Test
    void onlyMembersOfTheGroupWriteItsGpuSegments() throws Exception {
        InMemoryCluster.Process process = cluster.start(NO_VARIABLE, gpus.gpus());
        JoinedRank zero = process.join(GroupOptions.of("g", 0, 2).secret(OURS));
        process.join(GroupOptions.of("h", 0, 1).secret(THEIRS));
        JoinedRank one =
                cluster.start(NO_VARIABLE).join(GroupOptions.of("g", 1, 2).secret(OURS));
        InMemoryCluster.await(zero, one);
        var slice = zero.registerGpu("kv", 0, 4096).await(60, TimeUnit.SECONDS);
        Eventually.holds("rank 1 sees the segment", () -> !one.segments(0).isEmpty());
        try (Arena arena = Arena.ofShared()) {
            MemorySegment source = arena.allocate(100).fill((byte) 7);
            one.write(0, "kv", 0, source).await(60, TimeUnit.SECONDS);
            assertThat(HostGpus.byteAt(slice.address())).isEqualTo((byte) 7);
            var keyring = new Keyring();
            keyring.add(THEIRS);
            Vertx vertx = Vertx.vertx();
            TcpTransport stranger = Bounded.await(
                    TcpTransport.start(
                            vertx,
                            TcpOptions.defaults("127.0.0.1"),
                            ProcessId.random(RandomGenerator.getDefault()),
                            new RegionTable(vertx, vertx.createSharedWorkerExecutor("test")),
                            new SilentListener(),
                            keyring,
                            null),
                    "tcp transport start");
            Channel channel = Bounded.await(stranger.connect(process.muster().address()), "stranger connect");
            var segment = zero.segmentInfos(0).getFirst();
            assertThatThrownBy(() -> Bounded.await(
                            channel.write(
                                    new RemoteRegion(segment.region(), segment.key(), segment.bytes()),
                                    0,
                                    source.asSlice(0, 8)),
                            "a write over the channel"))
                    .isInstanceOfSatisfying(
                            WriteException.class,
                            refused -> assertThat(refused.reason()).isEqualTo(WriteException.Reason.UNPROVED));
            Bounded.await(stranger.close(), "stranger close");
            Bounded.await(vertx.close(), "vertx close");
        }
    }
}
