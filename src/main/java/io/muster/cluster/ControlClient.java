// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Asks the control port of another process. Blocks, so it is for virtual threads and for the command line. */
public final class ControlClient {
    private static final int MAX_ANSWER_BYTES = 16 << 20;

    private ControlClient() {}

    /** The outcome of a question. */
    public sealed interface Reply {
        /** The process has answered; {@code body} may be its {@code {"error":…}}. */
        record Answered(JsonObject body) implements Reply {}

        /** Nothing listens there: no process of Muster has this control address now. */
        record Refused(String why) implements Reply {}

        /** No answer: lost on the way, too slow, or not a control port. The state of the process is unknown. */
        record Silent(String why) implements Reply {}

        /** The outcome of a received line; null is the end of the stream. */
        static Reply of(@Nullable String line) {
            try {
                return line == null
                        ? new Silent("the connection was closed without an answer")
                        : new Answered(new JsonObject(line));
            } catch (DecodeException _) {
                return new Silent("the process that listens there is not a control port of Muster");
            }
        }
    }

    /**
     * Sends one question on a connection of its own. The deadline covers all of it. If the name has several addresses,
     * they are tried one after the other until a process answers, and each failure is told with its address.
     */
    public static Reply ask(ControlAddress target, JsonObject request, Duration deadline) {
        long endNanos = System.nanoTime() + deadline.toNanos();
        List<InetAddress> addresses = target.resolve();
        if (addresses.isEmpty()) {
            return new Reply.Silent("the name " + target.host() + " can't be resolved");
        }
        List<String> failures = new ArrayList<>();
        boolean refused = true;
        for (int next = 0; next < addresses.size(); next++) {
            InetAddress address = addresses.get(next);
            Duration connect = left(endNanos).dividedBy(addresses.size() - next);
            Reply reply = ask(new InetSocketAddress(address, target.port()), request, connect, endNanos);
            switch (reply) {
                case Reply.Answered _ -> {
                    return reply;
                }
                case Reply.Refused(String why) -> failures.add(failure(target, address, why));
                case Reply.Silent(String why) -> {
                    failures.add(failure(target, address, why));
                    refused = false;
                }
            }
        }
        String all = String.join("; ", failures);
        return refused ? new Reply.Refused(all) : new Reply.Silent(all);
    }

    /** Names the address, unless the target says it already. */
    private static String failure(ControlAddress target, InetAddress address, String why) {
        return target.isLiteral() ? why : address.getHostAddress() + ": " + why;
    }

    private static Reply ask(InetSocketAddress address, JsonObject request, Duration connect, long endNanos) {
        long startNanos = System.nanoTime();
        try (Socket socket = new Socket()) {
            socket.setTcpNoDelay(true);
            try {
                socket.connect(address, Math.clamp(connect.toMillis(), 1, Integer.MAX_VALUE));
            } catch (SocketTimeoutException _) {
                return new Reply.Silent("no answer to the connection request within " + connect.toMillis() + " ms");
            } catch (ConnectException e) {
                return refused(e)
                        ? new Reply.Refused(String.valueOf(e.getMessage()))
                        : new Reply.Silent(String.valueOf(e.getMessage()));
            }
            Lines lines = new Lines(socket);
            lines.write(request.encode(), left(endNanos));
            return Reply.of(lines.read(MAX_ANSWER_BYTES, left(endNanos)));
        } catch (SocketTimeoutException _) {
            return new Reply.Silent("connected, but no answer within "
                    + Duration.ofNanos(System.nanoTime() - startNanos).toMillis() + " ms");
        } catch (IOException e) {
            return new Reply.Silent(String.valueOf(e.getMessage()));
        }
    }

    private static Duration left(long endNanos) {
        return Duration.ofNanos(Math.max(1_000_000, endNanos - System.nanoTime()));
    }

    /** Whether the connection was refused: a ConnectException can also mean "connection timed out" or "no route". */
    private static boolean refused(ConnectException e) {
        return String.valueOf(e.getMessage()).toLowerCase(java.util.Locale.ROOT).contains("refused");
    }
}
