// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.group.MusterException;
import io.muster.group.MusterException.Kind;
import io.vertx.core.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ControlPortTest {
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final ControlAddress LOOPBACK = new ControlAddress("127.0.0.1", 0);

    private ControlPort port;

    @BeforeEach
    void open() {
        port = ControlPort.open(
                LOOPBACK, new ControlPort.Limits(200, Duration.ofMillis(300), Duration.ofMillis(300), 2));
        port.handle(
                "echo",
                request -> CompletableFuture.completedFuture(new JsonObject().put("said", request.getString("say"))));
    }

    @AfterEach
    void close() {
        port.close();
    }

    @Test
    void aHandlerThatBlocksIsAnsweredForInTime() {
        var released = new CountDownLatch(1);
        port.handle("block", _ -> {
            try {
                released.await();
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
            return CompletableFuture.completedFuture(new JsonObject());
        });
        assertThat(ControlClient.ask(port.address(), new JsonObject().put("ask", "block"), Duration.ofSeconds(20)))
                .isInstanceOfSatisfying(
                        ControlClient.Reply.Answered.class,
                        answer -> assertThat(answer.body().getString("error"))
                                .isEqualTo("no answer to block within 300 ms"));
        released.countDown();
    }

    @Test
    void answersRegisteredQuestions() {
        assertThat(ask(new JsonObject().put("ask", "echo").put("say", "hello")))
                .isEqualTo(new JsonObject().put("said", "hello"));
    }

    @Test
    void answersSeveralRequestsOnOneConnection() throws IOException {
        try (Raw raw = new Raw()) {
            raw.send("{\"ask\":\"echo\",\"say\":\"1\"}\n{\"ask\":\"echo\",\"say\":\"2\"}\n");
            assertThat(raw.line()).isEqualTo("{\"said\":\"1\"}");
            assertThat(raw.line()).isEqualTo("{\"said\":\"2\"}");
        }
    }

    @Test // O-4
    void namesTheRegisteredQuestions() {
        JsonObject answer = ask(new JsonObject().put("ask", "nonsense"));
        assertThat(answer.getString("error")).contains("nonsense");
        assertThat(answer.getJsonArray("asks")).containsExactly("echo");
        assertThat(ask(new JsonObject()).getString("error")).isNotEmpty();
    }

    @Test
    void passesOnTheErrorOfAHandler() {
        port.handle("wrong", _ -> CompletableFuture.failedFuture(MusterException.retry("not yet")));
        port.handle("broken", _ -> {
            throw MusterException.config("bad question");
        });
        assertThat(ask(new JsonObject().put("ask", "wrong")))
                .isEqualTo(new JsonObject().put("error", "not yet").put("kind", "RETRY"));
        assertThat(ask(new JsonObject().put("ask", "broken")))
                .isEqualTo(new JsonObject().put("error", "bad question").put("kind", "CONFIG"));
    }

    @Test
    void boundsTheWaitForAHandler() {
        port.handle("never", _ -> new CompletableFuture<>());
        assertThat(ask(new JsonObject().put("ask", "never")).getString("error"))
                .contains("no answer to never within 300 ms");
    }

    @Test // T-3
    void closesOnGarbageOnOverlongAndOnHalfRequests() throws IOException {
        try (Raw garbage = new Raw();
                Raw half = new Raw()) {
            garbage.send("GET / HTTP/1.1\r\n");
            assertThat(garbage.line()).contains("a request is one JSON object per line");
            assertThat(garbage.line()).isNull();
            half.send("{\"ask\":");
            assertThat(half.line()).isNull();
        }
        try (Raw overlong = new Raw()) {
            overlong.send("x".repeat(201));
            assertThat(overlong.line()).isNull();
        }
        assertThat(ask(new JsonObject().put("ask", "echo").put("say", "still here"))
                        .getString("said"))
                .isEqualTo("still here");
    }

    @Test // T-3
    void answersBusyToOneConnectionTooMany() throws IOException {
        try (Raw one = new Raw();
                Raw two = new Raw()) {
            one.send("{\"ask\":\"echo\"}\n");
            two.send("{\"ask\":\"echo\"}\n");
            one.line();
            two.line();
            try (Raw three = new Raw()) {
                assertThat(three.line()).contains("busy: 2 connections are open");
                assertThat(three.line()).isNull();
            }
        }
    }

    @Test
    void closingEndsConnectionsAndFreesThePort() throws IOException {
        try (Raw raw = new Raw()) {
            raw.send("{\"ask\":\"echo\"}\n");
            raw.line();
            port.close();
            assertThat(raw.line()).isNull();
        }
        assertThat(ControlClient.ask(port.address(), new JsonObject().put("ask", "echo"), PATIENCE))
                .isInstanceOf(ControlClient.Reply.Refused.class);
        ControlPort.open(port.address(), ControlPort.Limits.DEFAULT).close();
    }

    @Test
    void refusesAPortThatIsTakenInOneSentence() {
        assertThatThrownBy(() -> ControlPort.open(port.address(), ControlPort.Limits.DEFAULT))
                .isInstanceOfSatisfying(MusterException.class, e -> {
                    assertThat(e.kind()).isEqualTo(Kind.CONFIG);
                    assertThat(e).hasMessageContaining("can't open control port " + port.address());
                });
        assertThatThrownBy(() -> ControlPort.open(new ControlAddress("192.0.2.1", 0), ControlPort.Limits.DEFAULT))
                .isInstanceOfSatisfying(
                        MusterException.class, e -> assertThat(e.kind()).isEqualTo(Kind.CONFIG));
    }

    @Test // M-5
    void readsAddressesAndReportsAllMistakesTogether() {
        assertThat(ControlAddress.parseList("10.0.0.4, host:1,[::1]:2,::1,[fe80::1]"))
                .containsExactly(
                        new ControlAddress("10.0.0.4", 7600),
                        new ControlAddress("host", 1),
                        new ControlAddress("::1", 2),
                        new ControlAddress("::1", 7600),
                        new ControlAddress("fe80::1", 7600));
        assertThatThrownBy(() -> ControlAddress.parseList("a:b,c:70000,,[::1"))
                .isInstanceOfSatisfying(
                        MusterException.class, e -> assertThat(e.kind()).isEqualTo(Kind.CONFIG))
                .hasMessageContainingAll("'b' in 'a:b' is not a port number", "70000", "needs a host", "[::1");
    }

    @Test // M-5
    void rejectsAListWithoutAnAddress() {
        assertThatThrownBy(() -> ControlAddress.parseList(","))
                .isInstanceOfSatisfying(
                        MusterException.class, e -> assertThat(e.kind()).isEqualTo(Kind.CONFIG))
                .hasMessageContaining("member list ','");
    }

    private JsonObject ask(JsonObject request) {
        return ControlClient.ask(port.address(), request, PATIENCE)
                        instanceof ControlClient.Reply.Answered(JsonObject body)
                ? body
                : new JsonObject();
    }

    /** A client that breaks the protocol. */
    private final class Raw implements AutoCloseable {
        private final Socket socket = new Socket("127.0.0.1", port.address().port());
        private final BufferedReader in;

        Raw() throws IOException {
            socket.setSoTimeout((int) PATIENCE.toMillis());
            in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
        }

        void send(String text) throws IOException {
            socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
        }

        String line() throws IOException {
            try {
                return in.readLine();
            } catch (java.net.SocketException _) {
                return null; // closed with unread bytes: a reset
            }
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }
}
