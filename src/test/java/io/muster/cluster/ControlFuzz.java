// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import io.muster.group.ProcessId;
import io.vertx.core.json.JsonObject;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Fuzzes the requests and the answers of the control port, for {@link io.muster.Fuzz}. */
public final class ControlFuzz {
    private static final int MAX_REQUEST_BYTES = 512;
    private static final String GOOD = "{\"ask\":\"cluster\"}\n";

    private ControlFuzz() {}

    /** Made once per JVM, when the first input needs it. */
    private static final class Known {
        static final ControlPort PORT = ControlPort.open(
                new ControlAddress("127.0.0.1", 0),
                new ControlPort.Limits(MAX_REQUEST_BYTES, Duration.ofSeconds(5), Duration.ofSeconds(5), 2));
        static final ClusterFormation FORMATION =
                new ClusterFormation(PORT, new ProcessId(1, 2), List.of(), "", ClusterFormation.Settings.DEFAULT);

        static {
            FORMATION.formed("127.0.0.1:5701");
            PORT.handle(
                    ClusterFormation.ASK_TURN,
                    _ -> CompletableFuture.completedFuture(new JsonObject().put("turn", 1))); // slow on purpose
            PORT.handle(
                    "status",
                    request -> CompletableFuture.completedFuture(
                            new JsonObject().put("group", request.getString("group"))));
            PORT.handle("echo", CompletableFuture::completedFuture);
        }
    }

    /** The bytes of one connection, in pieces; then another connection, which must find the port unchanged. */
    public static void requests(byte[] input) {
        if (input.length < 1) {
            return;
        }
        byte[] bytes = Arrays.copyOfRange(input, 1, input.length);
        List<String> answers = Fed.serve(bytes, 1 + (input[0] & 0x7f));
        long lines = new String(bytes, StandardCharsets.ISO_8859_1)
                .chars()
                .filter(one -> one == '\n')
                .count();
        check(answers.size() <= lines, answers.size() + " answers to " + lines + " lines");
        for (int at = 0; at < answers.size(); at++) {
            var answer = new JsonObject(answers.get(at));
            check(!"FATAL".equals(answer.getString("kind")), "a handler failed: " + answer);
            boolean refused = "a request is one JSON object per line".equals(answer.getString("error"));
            check(!refused || at == answers.size() - 1, "asked on after what was no request");
        }
        check(
                new JsonObject(Fed.serve(GOOD.getBytes(StandardCharsets.UTF_8), 64)
                                .getFirst())
                        .getBoolean("formed"),
                "the next one is not answered");
        check(Known.PORT.connections() == 0, "a connection was left behind");
    }

    /** A line received from an assumed control port. */
    public static ControlClient.Reply answer(byte[] input) {
        ControlClient.Reply reply = ControlClient.Reply.of(new String(input, StandardCharsets.UTF_8));
        if (reply instanceof ControlClient.Reply.Answered(JsonObject body)) {
            Known.FORMATION.seen(body);
        }
        return reply;
    }

    public static List<byte[]> goodRequests() {
        return List.of(
                bytes("@" + GOOD),
                bytes("\u0001{\"ask\":\"status\",\"group\":\"g\"}\n{\"ask\":\"cluster\",\"waitMs\":7}\n"),
                bytes("@{\"ask\":\"echo\",\"say\":[1,null,\"x\",{\"a\":1.5e3}]}\n"),
                bytes("\u0003nonsense\n" + GOOD));
    }

    public static List<byte[]> goodAnswers() {
        return List.of(
                bytes("{\"formed\":true,\"processId\":\"00\",\"hazelcast\":\"10.0.0.1:5701\"}"),
                bytes("{\"formed\":false,\"founder\":true}"),
                bytes("{\"error\":\"no\",\"kind\":\"RETRY\",\"asks\":[\"cluster\"]}"));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** A socket whose other end sends nothing more. */
    private static final class Fed extends Socket {
        private final ByteArrayOutputStream answers = new ByteArrayOutputStream();
        private final InputStream in;
        private boolean closed;

        private Fed(byte[] input, int piece) {
            this.in = new ByteArrayInputStream(input) {
                @Override
                public synchronized int read(byte[] into, int from, int length) {
                    return super.read(into, from, Math.min(length, piece));
                }
            };
        }

        static List<String> serve(byte[] input, int piece) {
            var fed = new Fed(input, piece);
            Known.PORT.serve(fed);
            check(fed.closed, "a connection was left open");
            return fed.answers.toString(StandardCharsets.UTF_8).lines().toList();
        }

        @Override
        public InputStream getInputStream() {
            return in;
        }

        @Override
        public OutputStream getOutputStream() {
            return answers;
        }

        @Override
        public InetAddress getInetAddress() {
            return InetAddress.getLoopbackAddress();
        }

        @Override
        public void setTcpNoDelay(boolean on) {}

        @Override
        public synchronized void setSoTimeout(int timeoutMs) {}

        @Override
        public synchronized void close() {
            closed = true;
        }
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
