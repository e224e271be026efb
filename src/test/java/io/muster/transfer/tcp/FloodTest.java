// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import static io.muster.transfer.tcp.TestProcess.await;
import static io.muster.transfer.tcp.TestProcess.next;
import static org.assertj.core.api.Assertions.assertThat;

import io.muster.Eventually;
import io.muster.transfer.Channel;
import io.muster.transfer.LossEvidence;
import io.muster.transfer.TcpTestOptions;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Ten thousand connections without a hello, and frames with a false length. */
// T-3
@Timeout(120)
class FloodTest {
    private static final int WANTED = 10_000;
    private static final int LIMIT = 256;

    private final Vertx vertx = Vertx.vertx();
    private final TestProcess target = TestProcess.start(vertx, TcpTestOptions.helloTimeoutMs(60_000));
    private final TestProcess peer = TestProcess.start(vertx);
    private final List<SocketChannel> silent = new ArrayList<>();

    @AfterEach
    void stop() throws IOException {
        for (SocketChannel socket : silent) {
            socket.setOption(StandardSocketOptions.SO_LINGER, 0);
            socket.close();
        }
        peer.close();
        target.close();
        await(vertx.close());
    }

    /** Both ends are in this process: what it may open, less what it needs for the rest. */
    private static int affordable() {
        var system = (com.sun.management.UnixOperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        return (int) Math.min(
                WANTED, system.getMaxFileDescriptorCount() - system.getOpenFileDescriptorCount() - 2 * LIMIT - 500);
    }

    @Test
    void tenThousandSilentConnectionsDoNotBlockARealOne() throws IOException {
        Channel before = peer.connect(target);
        next(target.opened);
        int count = affordable();
        assertThat(count).as("file descriptors for a flood").isGreaterThan(4 * LIMIT);
        int most = 0;
        for (int i = 0; i < count; i++) {
            SocketChannel socket = SocketChannel.open();
            socket.bind(new InetSocketAddress("127.0.0." + (2 + i % 5), 0));
            socket.connect(new InetSocketAddress(
                    "127.0.0.1", target.transport.address().port()));
            silent.add(socket);
            most = Math.max(most, target.transport.unauthenticatedConnections());
            if (i == count / 2) {
                TestProcess late = TestProcess.start(vertx);
                assertThat(late.connect(target).isAlive())
                        .as("a new channel during the flood")
                        .isTrue();
                next(target.opened);
                late.close();
            }
        }
        assertThat(most).isLessThanOrEqualTo(LIMIT);
        int held = count;
        Eventually.value(
                "all but the limit are dropped",
                () -> target.transport.droppedConnections(),
                seen -> seen >= held - LIMIT);
        assertThat(target.transport.unauthenticatedConnections()).isLessThanOrEqualTo(LIMIT);
        assertThat(before.isAlive()).isTrue();
        System.out.println("FloodTest: " + count + " silent connections, at most " + most + " held");
    }

    @Test
    void oneAddressHoldsAtMostHalfOfTheConnections() throws IOException {
        for (int i = 0; i < LIMIT; i++) {
            SocketChannel socket = SocketChannel.open(new InetSocketAddress(
                    "127.0.0.1", target.transport.address().port()));
            silent.add(socket);
        }
        Eventually.value(
                "the others are dropped", () -> target.transport.droppedConnections(), seen -> seen >= LIMIT / 2);
        Eventually.value(
                "half of the limit is held",
                () -> target.transport.unauthenticatedConnections(),
                seen -> seen == LIMIT / 2);
    }

    @Test
    void aFalseLengthEndsItsConnection() throws IOException {
        Channel good = peer.connect(target);
        next(target.opened);
        int[] lengths = {Integer.MAX_VALUE, Integer.MIN_VALUE, -1, 0, 1 << 20 | 1};
        for (int length : lengths) {
            try (Socket socket =
                    new Socket("127.0.0.1", target.transport.address().port())) {
                RawPeer.send(socket, Unpooled.buffer().writeInt(length).writeByte(Frame.HELLO));
                assertThat(ends(socket)).isTrue();
            }
            for (boolean onBulk : new boolean[] {false, true}) {
                try (RawPeer stranger = RawPeer.open(target, new io.muster.group.ProcessId(9, length), 1, null)) {
                    next(target.opened);
                    ByteBuf frame = Unpooled.buffer().writeInt(length).writeByte(onBulk ? Frame.WRITE : Frame.CONTROL);
                    RawPeer.send(onBulk ? stranger.bulk() : stranger.control(), frame);
                    assertThat(next(target.lost).evidence().kind()).isEqualTo(LossEvidence.Kind.PROTOCOL_ERROR);
                }
            }
        }
        assertThat(good.isAlive()).isTrue();
    }

    private static boolean ends(Socket socket) throws IOException {
        socket.setSoTimeout(20_000);
        try {
            socket.getInputStream().readAllBytes();
        } catch (java.net.SocketException reset) {
            return true;
        }
        return true;
    }
}
