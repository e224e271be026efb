// SPDX-License-Identifier: Apache-2.0

package io.muster.testing;

import static io.muster.transfer.tcp.TestProcess.await;
import static io.muster.transfer.tcp.TestProcess.failure;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.group.WriteException;
import io.muster.testing.TransportFault.Act;
import io.muster.testing.TransportFault.Point;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.ConnectException;
import io.muster.transfer.ControlKind;
import io.muster.transfer.LossEvidence;
import io.muster.transfer.Transport;
import io.muster.transfer.memory.Region;
import io.muster.transfer.memory.RegionTable;
import io.muster.transfer.tcp.TcpOptions;
import io.muster.transfer.tcp.TcpTransport;
import io.muster.transfer.tcp.TestProcess;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Each fault does what it says, once per occasion that it is meant for, and is counted; without faults nothing is
 * changed.
 */
@Timeout(40)
class TransportFaultsTest {
    private static final long PATIENCE_S = 20;
    private final Vertx vertx = Vertx.vertx();
    private final TransportFaults faults = new TransportFaults();
    private final Heard heard = new Heard();
    private final RegionTable regions = new RegionTable(vertx, vertx.createSharedWorkerExecutor("test"));
    private Transport faulty;
    private TestProcess other;

    /** What the side with the faults hears. */
    private static final class Heard implements Transport.Listener {
        private final BlockingQueue<Channel> opened = new LinkedBlockingQueue<>();
        private final BlockingQueue<LossEvidence> lost = new LinkedBlockingQueue<>();
        private final BlockingQueue<String> received = new LinkedBlockingQueue<>();

        @Override
        public void opened(Channel channel) {
            opened.add(channel);
        }

        @Override
        public void lost(Channel channel, LossEvidence evidence) {
            lost.add(evidence);
        }

        @Override
        public void notOpened(ProcessAddress peer, LossEvidence evidence) {}

        @Override
        public void received(Channel channel, ControlKind kind, Buffer payload) {
            received.add(payload.toString());
        }

        @Override
        public Buffer livenessPayload(Channel channel) {
            return Buffer.buffer();
        }

        @Override
        public void livenessReceived(Channel channel, Buffer payload) {}
    }

    @BeforeEach
    void start() {
        ProcessId id = ProcessId.random(RandomGenerator.getDefault());
        faulty = await(faults.around(
                vertx,
                heard,
                listener -> TcpTransport.start(vertx, TcpOptions.defaults("127.0.0.1"), id, regions, listener)));
        other = TestProcess.start(vertx);
    }

    @AfterEach
    void stop() {
        await(faulty.close());
        other.close();
        await(vertx.close());
    }

    private Channel connect() {
        return await(faulty.connect(other.transport.address()));
    }

    private Channel theirs() {
        return await(other.transport.connect(faulty.address()));
    }

    private static String next(BlockingQueue<String> queue) throws InterruptedException {
        return String.valueOf(queue.poll(PATIENCE_S, TimeUnit.SECONDS));
    }

    @Test
    void withoutFaultsItBehavesLikeTheTransport() throws Exception {
        Channel channel = connect();
        assertThat(heard.opened.poll(PATIENCE_S, TimeUnit.SECONDS)).isEqualTo(channel);
        assertThat(faulty.channel(other.id)).contains(channel);
        assertThat(channel.generation())
                .isEqualTo(new ChannelGeneration(
                        theirs().generation().theirs(), theirs().generation().mine()));
        channel.send(ControlKind.LINK, Buffer.buffer("to"));
        theirs().send(ControlKind.LINK, Buffer.buffer("fro"));
        assertThat(TestProcess.next(other.received).text()).isEqualTo("to");
        assertThat(next(heard.received)).isEqualTo("fro");
        channel.close(new LossEvidence(LossEvidence.Kind.CLOSED_HERE, "done"));
        assertThat(heard.lost.poll(PATIENCE_S, TimeUnit.SECONDS)).isNotNull();
        assertThat(channel.isAlive()).isFalse();
    }

    @Test
    void theNthDialFailsOrHangs() {
        TransportFault first = faults.add(
                TransportFault.at(Point.DIAL, new Act.Fail("no route")).onlyFromTo(1, 2));
        TransportFault third =
                faults.add(TransportFault.at(Point.DIAL, new Act.Hang()).onlyNth(1));
        for (int dial = 0; dial < 2; dial++) {
            assertThat(failure(faulty.connect(other.transport.address())))
                    .isInstanceOf(ConnectException.class)
                    .hasMessageContaining("no route");
        }
        Future<Channel> hangs = faulty.connect(other.transport.address());
        assertThat(connect().isAlive()).isTrue();
        assertThat(hangs.isComplete()).isFalse();
        assertThat(first.fired()).isEqualTo(2);
        assertThat(third.fired()).isEqualTo(1);
        assertThat(third.occasions())
                .as("the first two were struck by the other fault, before it")
                .isEqualTo(2);
        assertThatThrownBy(() -> TransportFault.at(Point.DIAL, new Act.Corrupt()))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void messagesAreLostCorruptedOrLateInOneDirectionOnly() throws Exception {
        Channel channel = connect();
        TransportFault lost =
                faults.add(TransportFault.at(Point.SEND_LINK, new Act.Drop()).onlyNth(1));
        TransportFault corrupt =
                faults.add(TransportFault.at(Point.SEND_LINK, new Act.Corrupt()).onlyNth(1));
        TransportFault late = faults.add(TransportFault.at(Point.SEND_LINK, new Act.Delay(Duration.ofMillis(100)))
                .onlyNth(1));
        for (String text : new String[] {"a", "b", "c", "d"}) {
            channel.send(ControlKind.LINK, Buffer.buffer(text));
        }
        channel.send(ControlKind.CLAIM, Buffer.buffer("e"));
        theirs().send(ControlKind.LINK, Buffer.buffer("back"));

        assertThat(TestProcess.next(other.received).text())
                .as("b with one bit turned")
                .isEqualTo("c");
        assertThat(TestProcess.next(other.received).text()).isEqualTo("d");
        assertThat(TestProcess.next(other.received).text()).as("another kind").isEqualTo("e");
        assertThat(TestProcess.next(other.received).text()).as("late").isEqualTo("c");
        assertThat(next(heard.received)).as("the other direction").isEqualTo("back");
        assertThat(java.util.List.of(lost.fired(), corrupt.fired(), late.fired()))
                .containsOnly(1L);
    }

    @Test
    void incomingMessagesAreLostOrEndTheChannel() throws Exception {
        connect();
        TransportFault lost = faults.add(TransportFault.at(Point.RECEIVE_GOSSIP, new Act.Drop())
                .with(other.id)
                .onlyNth(1));
        TransportFault ends = faults.add(TransportFault.at(Point.RECEIVE_GOSSIP, new Act.Fail("bad frame"))
                .onlyNth(2));
        TransportFault elsewhere = faults.add(
                TransportFault.at(Point.RECEIVE_GOSSIP, new Act.Drop()).with(new ProcessId(1, 1)));
        for (String text : new String[] {"a", "b", "c"}) {
            theirs().send(ControlKind.GOSSIP, Buffer.buffer(text));
        }
        assertThat(next(heard.received)).isEqualTo("b");
        LossEvidence evidence = heard.lost.poll(PATIENCE_S, TimeUnit.SECONDS);
        assertThat(evidence).isNotNull();
        assertThat(evidence.detail()).isEqualTo("bad frame (injected)");
        assertThat(lost.fired()).isEqualTo(1);
        assertThat(ends.fired()).isEqualTo(1);
        assertThat(elsewhere.fired()).isZero();
    }

    @Test
    void writesFailLieHangAndAreCorrupted() {
        Region region = other.regions.allocate("target", 8, null);
        MemorySegment source = Arena.ofAuto().allocate(8);
        source.set(ValueLayout.JAVA_BYTE, 0, (byte) 6);
        Channel channel = connect();
        faults.add(TransportFault.at(Point.WRITE, new Act.Fail("no")).onlyNth(1));
        faults.add(TransportFault.at(Point.WRITE, new Act.Drop()).onlyNth(1));
        faults.add(TransportFault.at(Point.WRITE, new Act.Hang()).onlyNth(1));
        assertThat(failure(channel.write(region.remote(), 0, source)))
                .isInstanceOfSatisfying(
                        WriteException.class,
                        failed -> assertThat(failed.reason()).isEqualTo(WriteException.Reason.FAILED));
        await(channel.write(region.remote(), 0, source));
        Future<Void> hangs = channel.write(region.remote(), 0, source);
        assertThat(region.memory().get(ValueLayout.JAVA_BYTE, 0))
                .as("nothing was applied")
                .isZero();
        TransportFault corrupt = faults.add(TransportFault.at(Point.WRITE, new Act.Corrupt()));
        await(channel.write(region.remote(), 0, source));
        assertThat(region.memory().get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 7);
        assertThat(source.get(ValueLayout.JAVA_BYTE, 0))
                .as("the caller's memory is its own")
                .isEqualTo((byte) 6);
        corrupt.heal();
        await(channel.write(region.remote(), 0, source));
        assertThat(region.memory().get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 6);
        assertThat(hangs.isComplete()).isFalse();
        assertThat(corrupt.fired()).isEqualTo(1);
    }
}
