// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import static io.muster.transfer.tcp.TestProcess.await;
import static io.muster.transfer.tcp.TestProcess.bytes;
import static io.muster.transfer.tcp.TestProcess.failure;
import static io.muster.transfer.tcp.TestProcess.next;
import static io.muster.transfer.tcp.TestProcess.pattern;
import static org.assertj.core.api.Assertions.assertThat;

import io.muster.Eventually;
import io.muster.group.ProcessAddress;
import io.muster.group.WriteException;
import io.muster.transfer.Channel;
import io.muster.transfer.LossEvidence;
import io.muster.transfer.TcpTestOptions;
import io.muster.transfer.memory.Region;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The bulk connection dies, or is slow, while the control connection is alive. */
@Timeout(60)
class IdlePathTest {
    private static final int LONG_MS = 600_000;

    private final Vertx vertx = Vertx.vertx();
    private final Vertx other = Vertx.vertx();
    private TestProcess a;
    private TestProcess b;
    private Relay relay;
    private Channel channel;

    private void connect(TcpOptions options) throws IOException {
        a = TestProcess.start(vertx, options);
        b = TestProcess.start(other, options);
        relay = new Relay(b.transport.address().port());
        channel = await(a.transport.connect(new ProcessAddress(b.id, "127.0.0.1", relay.port())));
        next(b.opened);
    }

    private Relay.Connection bulk() {
        return relay.connection(1);
    }

    @AfterEach
    void stop() throws IOException {
        a.close();
        b.close();
        relay.close();
        await(vertx.close());
        await(other.close());
    }

    @Test
    void anIdleBulkConnectionCarriesTraffic() throws IOException {
        connect(TcpTestOptions.idle(100, LONG_MS));
        long before = bulk().bytes.get();

        Eventually.holds(
                "small and padded frames pass", () -> bulk().bytes.get() - before > 4 * BulkParser.PADDED_FILL_BYTES);
        assertThat(channel.isAlive()).isTrue();
        assertThat(a.lost).isEmpty();
        assertThat(b.lost).isEmpty();
    }

    @Test
    void aDeadBulkPathIsFoundWithoutAWrite() throws IOException {
        connect(TcpTestOptions.idle(100, 500));
        bulk().dead = true;

        for (TestProcess process : new TestProcess[] {a, b}) {
            LossEvidence evidence = next(process.lost).evidence();
            assertThat(evidence.kind()).isEqualTo(LossEvidence.Kind.STALLED);
            assertThat(evidence.detail()).contains("while its control connection is alive");
        }
    }

    @Test
    void oneWriteOverADeadPathEndsItsChannel() throws IOException {
        connect(TcpTestOptions.idle(LONG_MS, 500));
        Region region = b.regions.allocate("slot", 8, null);
        await(channel.write(region.remote(), 0, bytes(1)));
        bulk().dead = true;

        assertThat(failure(channel.write(region.remote(), 0, bytes(2))))
                .isInstanceOfSatisfying(
                        WriteException.class,
                        late -> assertThat(late.reason())
                                .isIn(WriteException.Reason.TIMEOUT, WriteException.Reason.CHANNEL_LOST));
        assertThat(next(a.lost).evidence().kind()).isEqualTo(LossEvidence.Kind.STALLED);
    }

    @Test
    void lostLargePacketsAreNamedAfterTheChannelHasOpened() throws IOException {
        connect(TcpTestOptions.idle(100, 500));
        relay.loseAbove(1_000);

        assertThat(next(a.lost).evidence().detail()).contains("packets above some size are lost", "check the MTU");
    }

    @Test
    void lostLargePacketsAreNamedWhenAChannelDoesNotOpen() throws IOException {
        connect(TcpTestOptions.helloTimeoutMs(1_000));
        channel.close(LossEvidence.closedHere(LossEvidence.Reason.IDLE));
        next(b.lost);
        relay.loseAbove(1_000);

        assertThat(failure(a.transport.connect(new ProcessAddress(b.id, "127.0.0.1", relay.port()))))
                .hasMessageContaining("packets above some size are lost")
                .hasMessageContaining("check the MTU");
    }

    @Test
    void aWriteThatMovesIsNotLost() throws IOException {
        int bytes = 8 << 20;
        connect(TcpTestOptions.idle(LONG_MS, 800));
        Region region = b.regions.allocate("large", bytes, null);
        relay.slow(10);
        long begin = System.nanoTime();

        await(channel.write(region.remote(), 0, pattern(bytes, 1)));

        assertThat(System.nanoTime() - begin)
                .as("longer than the limit")
                .isGreaterThan(TimeUnit.MILLISECONDS.toNanos(1_600));
        assertThat(a.lost).isEmpty();
    }

    @Test
    void aPathIsProvedByAFrameIfItWasIdle() throws IOException {
        connect(TcpTestOptions.liveness(100, 5));
        assertThat(channel.prove().succeeded()).as("it has just opened").isTrue();
        Eventually.holds(
                "it has been idle for longer than the limit",
                () -> !channel.prove().succeeded());
        await(channel.prove());
        bulk().dead = true;
        Future<Void> proof = Eventually.value("the proof is old", channel::prove, one -> !one.succeeded());
        channel.close(LossEvidence.closedHere(LossEvidence.Reason.IDLE));
        assertThat(failure(proof)).hasMessageContaining("ended before its path was proved");
    }
}
