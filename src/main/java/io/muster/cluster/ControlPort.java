// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import io.muster.group.LogEvents;
import io.muster.group.MusterException;
import io.muster.options.OwnAddress;
import io.muster.transfer.BusyPort;
import io.muster.transfer.Complaints;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers questions about this process, from before Vert.x and Hazelcast exist until after they are closed: one JSON
 * object per line in each direction, on plain sockets and virtual threads. A request names its question:
 * {@code {"ask":"cluster"}}. A handler that is registered under that name answers. A failed request is answered with
 * {@code {"error":…,"kind":…}}.
 *
 * <p>There is no authentication: bind it to an address that only operators and the other processes reach.
 */
public final class ControlPort implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(ControlPort.class);
    /**
     * Handlers end at once when their connections are closed. The limit only keeps a stuck one from holding the end up.
     */
    private static final Duration CLOSE_LIMIT = Duration.ofSeconds(2);
    /** Accepting fails at once while file descriptors are used up. The pause prevents a busy loop. */
    private static final long ACCEPT_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final Limits limits;
    private final ServerSocket server;
    private final ControlAddress address;
    private final Map<String, Handler> handlers = new ConcurrentHashMap<>();
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final Semaphore places;
    /** Open connections by address. The threads of all connections meet here. */
    private final ConcurrentHashMap<String, Integer> perAddress = new ConcurrentHashMap<>();

    private final Complaints complaints = new Complaints(log, LogEvents.CONTROL_DROPPED);
    private final ExecutorService threads = Executors.newThreadPerTaskExecutor(
            Thread.ofVirtual().name("muster-control-", 0).factory());

    /** Answers one kind of question. Called on a virtual thread, which it may block; may answer later. */
    @FunctionalInterface
    public interface Handler {
        CompletionStage<JsonObject> answer(JsonObject request);
    }

    /**
     * @param maxRequestBytes longest request
     * @param request time for the request to be complete, and for the answer to be accepted
     * @param answer time for a handler to answer
     * @param maxConnections most open connections, a quarter of them from one address; further ones get the answer
     *     "busy"
     */
    public record Limits(int maxRequestBytes, Duration request, Duration answer, int maxConnections) {
        /** A request is one line and arrives at once. An answer may need all processes of a group. */
        public static final Limits DEFAULT = new Limits(8192, Duration.ofSeconds(5), Duration.ofSeconds(30), 1024);
    }

    private ControlPort(ServerSocket server, ControlAddress address, Limits limits) {
        this.server = server;
        this.address = address;
        this.limits = limits;
        this.places = new Semaphore(limits.maxConnections());
    }

    /** @throws MusterException of kind CONFIG if the port is taken or the address is none of this host */
    public static ControlPort open(ControlAddress bind, Limits limits) {
        OwnAddress own = OwnAddress.of(bind.host(), "");
        ServerSocket server = null;
        try {
            server = new ServerSocket();
            server.setReuseAddress(true);
            server.bind(new InetSocketAddress(own.bind(), bind.port()), 256);
        } catch (IOException e) {
            if (server != null) {
                Lines.closeQuietly(server);
            }
            throw new MusterException(
                    MusterException.Kind.CONFIG, "can't open control port " + bind + ": " + why(bind, e), e);
        }
        ControlPort port = new ControlPort(server, new ControlAddress(own.bindText(), server.getLocalPort()), limits);
        port.threads.execute(port::accept);
        return port;
    }

    private static String why(ControlAddress bind, IOException failure) {
        String text = String.valueOf(failure.getMessage());
        if (!(failure instanceof BindException)) {
            return text + "; check address and port";
        }
        return text.contains("in use")
                ? BusyPort.sentence(bind.port(), "endpoint.controlPort")
                : text + "; choose another port, or an address of this host ('muster doctor' lists them)";
    }

    /** The address, with the port that was chosen. */
    public ControlAddress address() {
        return address;
    }

    /** Registers the handler for {@code {"ask":ask}}; replaces an earlier one. */
    public void handle(String ask, Handler handler) {
        handlers.put(ask, handler);
    }

    /** Ends all connections. Pending answers are not sent. */
    @Override
    public void close() {
        Lines.closeQuietly(server);
        open.forEach(Lines::closeQuietly);
        threads.shutdownNow();
        try {
            if (!threads.awaitTermination(CLOSE_LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
                log.warn(
                        LogEvents.CONTROL_CLOSE_LATE + " address={} ms={}: a handler did not end in time",
                        address,
                        CLOSE_LIMIT.toMillis());
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket socket = server.accept();
                open.add(socket);
                threads.execute(() -> serve(socket));
            } catch (IOException | RuntimeException e) {
                if (!server.isClosed()) {
                    log.warn(LogEvents.CONTROL_ACCEPT_FAILED + " address={} cause={}", address, e.toString());
                    LockSupport.parkNanos(ACCEPT_PAUSE_NANOS);
                }
            }
        }
        open.forEach(Lines::closeQuietly);
    }

    void serve(Socket socket) {
        String remote = String.valueOf(socket.getInetAddress().getHostAddress());
        boolean placed = place(remote);
        boolean spoke = false;
        try (socket) {
            socket.setTcpNoDelay(true);
            Lines lines = new Lines(socket);
            if (!placed) {
                complaints.note(remote, "has opened too many connections");
                lines.write(
                        error("busy: " + limits.maxConnections() + " connections are open", MusterException.Kind.RETRY)
                                .encode(),
                        limits.request());
                return;
            }
            String line;
            while ((line = lines.read(limits.maxRequestBytes(), limits.request())) != null) {
                JsonObject request = parse(line);
                JsonObject answer = request == null
                        ? error("a request is one JSON object per line", MusterException.Kind.CONFIG)
                        : answer(request);
                lines.write(answer.encode(), limits.request());
                spoke = true;
                if (request == null) {
                    complaints.note(remote, "sent a line that is not a JSON object");
                    return;
                }
            }
        } catch (IOException e) {
            if (!spoke && !server.isClosed()) { // a client that has sent a request may stay connected
                complaints.note(remote, "sent no complete request: " + e.getMessage());
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } finally {
            open.remove(socket);
            if (placed) {
                places.release();
                perAddress.computeIfPresent(remote, (_, count) -> count > 1 ? count - 1 : null);
            }
        }
    }

    private boolean place(String remote) {
        if (perAddress.merge(remote, 1, Integer::sum) <= Math.max(2, limits.maxConnections() / 4)
                && places.tryAcquire()) {
            return true;
        }
        perAddress.computeIfPresent(remote, (_, count) -> count > 1 ? count - 1 : null);
        return false;
    }

    /** Number of connections that were over the limit, sent no valid request, or ran into a time limit. */
    public long dropped() {
        return complaints.count();
    }

    /** Connections that are open now. */
    int connections() {
        return open.size();
    }

    private JsonObject answer(JsonObject request) throws InterruptedException {
        Object ask = request.getValue("ask");
        Handler handler = ask instanceof String name ? handlers.get(name) : null;
        if (handler == null) {
            return error("unknown ask: " + ask, MusterException.Kind.CONFIG)
                    .put("asks", new JsonArray(List.copyOf(new TreeSet<>(handlers.keySet()))));
        }
        try {
            // on another thread, because a handler may block: on a member of the cluster that stands still
            return CompletableFuture.supplyAsync(() -> handler.answer(request), threads)
                    .thenCompose(answer -> answer)
                    .get(limits.answer().toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            return failed(ask, e.getCause());
        } catch (RejectedExecutionException _) {
            return error("the process is ending", MusterException.Kind.RETRY);
        } catch (RuntimeException e) {
            return failed(ask, e);
        } catch (TimeoutException _) {
            return error(
                    "no answer to " + ask + " within " + limits.answer().toMillis() + " ms",
                    MusterException.Kind.RETRY);
        }
    }

    private JsonObject failed(Object ask, @Nullable Throwable cause) {
        if (cause instanceof MusterException known) {
            return error(String.valueOf(known.getMessage()), known.kind());
        }
        log.warn(LogEvents.CONTROL_ANSWER_FAILED + " address={} ask={}", address, ask, cause);
        return error(ask + " failed: " + cause, MusterException.Kind.FATAL);
    }

    private static JsonObject error(String message, MusterException.Kind kind) {
        return new JsonObject().put("error", message).put("kind", kind.name());
    }

    private static @Nullable JsonObject parse(String line) {
        try {
            return new JsonObject(line);
        } catch (DecodeException _) {
            return null;
        }
    }
}
