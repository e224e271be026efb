// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.muster.cluster.ControlAddress;
import io.muster.cluster.ControlClient;
import io.muster.cluster.ControlPort;
import io.vertx.core.json.JsonObject;
import io.vertx.junit5.VertxExtension;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.slf4j.LoggerFactory;

/** What scans a network, or means harm, at both ports of a process whose group is at work. */
// T-3
@ExtendWith(VertxExtension.class)
@Timeout(120)
class StrangersOnThePortsTest {
    private static final String SCANNER = "127.0.0.7";

    private final InMemoryCluster cluster = new InMemoryCluster();
    private final Queue<String> logged = new ConcurrentLinkedQueue<>();
    private final AppenderBase<ILoggingEvent> appender = new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
            logged.add(event.getFormattedMessage());
        }
    };
    private final List<Socket> open = new ArrayList<>();

    @BeforeEach
    void listen() {
        appender.start();
        ((Logger) LoggerFactory.getLogger("io.muster")).addAppender(appender);
    }

    @AfterEach
    void close() throws IOException {
        for (Socket socket : open) {
            socket.close();
        }
        ((Logger) LoggerFactory.getLogger("io.muster")).detachAppender(appender);
        cluster.close();
    }

    /** What comes first over a connection of a stranger. */
    private static List<byte[]> openings() {
        return List.of(
                new byte[0],
                "GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII),
                HexFormat.of()
                        .parseHex("16030100c8010000c40303" + "00".repeat(186)), // the beginning of a TLS ClientHello
                "SSH-2.0-scanner\r\n".getBytes(StandardCharsets.US_ASCII),
                HexFormat.of().parseHex("7fffffff01"),
                HexFormat.of().parseHex("ffffffff01"),
                HexFormat.of().parseHex("0000000001"),
                "{\"ask\":".getBytes(StandardCharsets.US_ASCII),
                ("[".repeat(8_000) + "\n").getBytes(StandardCharsets.US_ASCII),
                "\n\n\n".getBytes(StandardCharsets.US_ASCII),
                HexFormat.of().parseHex("000000640100")); // half a frame, then nothing
    }

    private Socket from(String address, int port) throws IOException {
        Socket socket = new Socket("127.0.0.1", port, InetAddress.getByName(address), 0);
        open.add(socket);
        return socket;
    }

    private void scan(int port) throws IOException {
        for (byte[] opening : openings()) {
            Socket socket = from(SCANNER, port);
            socket.getOutputStream().write(opening);
            if (opening.length == 0) {
                socket.close(); // a port scanner
            }
        }
        for (int i = 0; i < 150; i++) {
            from(SCANNER, port);
        }
    }

    @Test
    void scansOfTheDataPortDisturbNoGroup() throws Exception {
        var settings = new JsonObject().put("transport", new JsonObject().put("helloTimeoutMs", 1_000));
        InMemoryCluster.Process process = cluster.start(settings);
        JoinedRank zero = process.join("g", 0, 2);
        JoinedRank one = cluster.start(settings).join("g", 1, 2);
        long epoch = InMemoryCluster.await(zero, one).epoch();
        int port = process.muster().address().port();
        scan(port);
        JoinedRank other = process.join("h", 0, 2);
        assertThat(InMemoryCluster.await(other, cluster.start(settings).join("h", 1, 2))
                        .linkCount())
                .as("new links meanwhile")
                .isEqualTo(2);
        Socket loris = from(SCANNER, port);
        Eventually.holds("a connection that sends a byte now and then is closed", () -> isClosed(loris));
        assertThat(InMemoryCluster.await(zero, one).epoch()).isEqualTo(epoch);
        assertThat(logged.stream()
                        .filter(line -> line.contains("muster.connection.dropped remote=" + SCANNER))
                        .count())
                .as("log lines per address")
                .isBetween(1L, 2L);
        assertThat(logged).noneMatch(line -> line.contains("muster.connection.dropped remote=127.0.0.1"));
    }

    private static boolean isClosed(Socket socket) {
        try {
            socket.getOutputStream().write(0);
            return false;
        } catch (IOException closed) {
            return true;
        }
    }

    @Test
    void duringAScanTheControlPortStillAnswersOthers() throws Exception {
        try (ControlPort port = ControlPort.open(
                new ControlAddress("127.0.0.1", 0),
                new ControlPort.Limits(8192, Duration.ofSeconds(1), Duration.ofSeconds(5), 400))) {
            port.handle("echo", request -> CompletableFuture.completedFuture(request));
            scan(port.address().port());
            JsonObject question = new JsonObject().put("ask", "echo").put("say", "hello");
            for (int i = 0; i < 20; i++) {
                assertThat(ControlClient.ask(port.address(), question, Duration.ofSeconds(10)))
                        .isEqualTo(new ControlClient.Reply.Answered(question));
            }
            Eventually.value(
                    "every scanning connection is dropped",
                    () -> port.dropped(),
                    dropped -> dropped >= openings().size());
            assertThat(logged.stream()
                            .filter(line -> line.contains("muster.control.dropped remote=" + SCANNER))
                            .count())
                    .isEqualTo(1);
            assertThat(logged).noneMatch(line -> line.contains("muster.control.dropped remote=127.0.0.1"));
        }
    }
}
