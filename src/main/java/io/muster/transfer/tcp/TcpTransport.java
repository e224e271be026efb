// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.HostPort;
import io.muster.group.MusterException;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.transfer.BusyPort;
import io.muster.transfer.Channel;
import io.muster.transfer.ConnectException;
import io.muster.transfer.LossEvidence;
import io.muster.transfer.Transport;
import io.muster.transfer.memory.RegionTable;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.net.NetClient;
import io.vertx.core.net.NetClientOptions;
import io.vertx.core.net.NetServer;
import io.vertx.core.net.NetServerOptions;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Channels over TCP.
 *
 * <p><b>What it holds.</b> One listening socket, one client, a {@link ChannelBook} that decides which channel serves
 * each peer, and a {@link Gate} that bounds the accepted connections without a hello. {@link Dial} opens a channel from
 * this end, {@link Admission} accepts one from the other, and {@link TcpChannel} is the result.
 *
 * <p><b>Threads.</b> Accepted and dialled connections are spread over a few event-loop contexts. Control and bulk
 * connection of a dialled channel are on neighbouring contexts, so a large write does not delay liveness. All public
 * methods may be called from any thread.
 *
 * <p><b>Order of events.</b> Start probes the port, then each context opens a server on the same port; Vert.x hands the
 * connections to them in turn. Close refuses new dials, ends dials and channels, drops connections without a hello, and
 * closes the client and the servers after all channels are closed.
 *
 * <p><b>Invariants.</b> The address is known before the future of {@code start} completes. When {@link #close}
 * completes, no socket refers to memory of a caller, and the listener has learned the end of every channel.
 *
 * <p><b>The traps.</b> The garbage collector closes a Vert.x client, with all its sockets, when no object refers to it.
 * So the client stays in a field here, and the handlers of every channel refer back to this object. When both ends dial
 * at the same time, the loser's sockets may be reset before it has read why, so {@link #connect} dials once more after
 * a {@code CUT}: by then the channel of the winner is found in the book.
 */
public final class TcpTransport implements Transport {
    private static final int EVENT_LOOPS = 4;
    private static final int ACCEPT_BACKLOG = 1_024;

    private final Node node;
    private final ChannelBook book;
    private final Gate gate;
    private final List<Context> contexts;
    private final NetClient client;
    private final List<NetServer> servers;
    private final AtomicInteger nextContext = new AtomicInteger();
    private final AtomicLong nextDial = new AtomicLong();
    /** Set before the future of {@code start} completes; read by any thread. */
    private volatile ProcessAddress address;

    private @Nullable Future<Void> closing;

    private TcpTransport(Node node, @Nullable Tls tls) {
        TcpOptions options = node.options();
        this.node = node;
        this.book = new ChannelBook(node.self(), options.maxSimultaneousDials(), options.helloTimeoutMs());
        this.gate = new Gate(options.maxUnauthenticatedConnections());
        this.contexts = RawSocket.eventLoops(node.vertx(), EVENT_LOOPS);
        NetClientOptions dialling = new NetClientOptions()
                .setConnectTimeout(options.helloTimeoutMs())
                .setTcpNoDelay(true)
                .setReconnectAttempts(0);
        this.client =
                node.vertx().createNetClient(tls == null ? dialling : tls.applyTo(dialling, options.helloTimeoutMs()));
        this.servers = contexts.stream()
                .map(_ -> {
                    NetServerOptions listening = new NetServerOptions()
                            .setTcpNoDelay(true)
                            .setReuseAddress(true)
                            .setAcceptBacklog(ACCEPT_BACKLOG);
                    return node.vertx()
                            .createNetServer(
                                    tls == null ? listening : tls.applyTo(listening, options.helloTimeoutMs()));
                })
                .toList();
        this.address = new ProcessAddress(node.self(), options.advertisedHost(), Math.max(1, options.port()));
    }

    /**
     * Starts to listen, without secrets and certificates.
     *
     * @param self the process id that others must expect here
     * @return fails with a {@link MusterException} (CONFIG) if the address or port can't be used
     */
    public static Future<TcpTransport> start(
            Vertx vertx, TcpOptions options, ProcessId self, RegionTable regions, Transport.Listener listener) {
        return start(new Node(vertx, options, self, regions, listener, new Keyring(), System::nanoTime), null);
    }

    /**
     * Starts to listen, with secrets and certificates.
     *
     * @param keyring the secrets that channels prove, and that peers must prove as long as there are any
     * @param tls null: connections are not encrypted
     */
    public static Future<TcpTransport> start(
            Vertx vertx,
            TcpOptions options,
            ProcessId self,
            RegionTable regions,
            Transport.Listener listener,
            Keyring keyring,
            @Nullable Tls tls) {
        return start(new Node(vertx, options, self, regions, listener, keyring, System::nanoTime), tls);
    }

    static Future<TcpTransport> start(Node node, @Nullable Tls tls) {
        TcpOptions options = node.options();
        if (options.port() > 0) {
            try {
                RawSocket.probe(options.bindHost(), options.port());
            } catch (IOException taken) {
                return Future.failedFuture(notBound(options, String.valueOf(taken.getMessage())));
            }
        }
        TcpTransport transport = new TcpTransport(node, tls);
        Promise<TcpTransport> started = RawSocket.promise();
        transport
                .listen()
                .onComplete(
                        _ -> started.complete(transport),
                        failure -> transport
                                .close()
                                .onComplete(
                                        _ -> started.fail(notBound(options, String.valueOf(failure.getMessage())))));
        return started.future();
    }

    @Override
    public String name() {
        return "tcp";
    }

    @Override
    public ProcessAddress address() {
        return address;
    }

    @Override
    public Future<Channel> connect(ProcessAddress peer) {
        if (peer.process().equals(node.self())) {
            throw new IllegalArgumentException(
                    "process " + node.self() + " can't dial itself: use the local transport");
        }
        Promise<Channel> promise = RawSocket.promise();
        dial(peer)
                .recover(failure -> isCut(failure) ? dial(peer) : Future.failedFuture(failure))
                .onComplete(promise);
        return promise.future();
    }

    /** Both ends may have dialled at the same time, and the sockets of this end were reset before it read why. */
    private static boolean isCut(Throwable failure) {
        return failure instanceof ConnectException refused && refused.kind() == ConnectException.Kind.CUT;
    }

    private Future<Channel> dial(ProcessAddress peer) {
        return book.connect(peer, replaces -> {
            int context = nextContext.getAndAdd(2);
            Dial.Means means = new Dial.Means(client, context(context), context(context + 1));
            return new Dial(node, book, means, address, peer, nextDial.incrementAndGet(), replaces);
        });
    }

    @Override
    public Optional<Channel> channel(ProcessId peer) {
        return book.channel(peer);
    }

    /** Number of connections that were dropped or refused before they belonged to a channel. */
    public long droppedConnections() {
        return gate.complaints();
    }

    @Override
    public void endUnproved() {
        book.unproved().forEach(channel -> channel.close(LossEvidence.closedHere(LossEvidence.Reason.SECRET_ADDED)));
    }

    /** Number of dials of this process that yielded to a dial of the peer. */
    long ties() {
        return book.ties();
    }

    /** Number of accepted connections without a hello. */
    int unauthenticatedConnections() {
        return gate.waiting();
    }

    @Override
    public synchronized Future<Void> close() {
        Future<Void> under = closing;
        if (under == null) {
            under = closeAll();
            closing = under;
        }
        return under;
    }

    private Future<Void> closeAll() {
        LossEvidence reason = LossEvidence.closedHere(LossEvidence.Reason.TRANSPORT_CLOSED);
        List<ChannelBook.Attempt> dials = new ArrayList<>();
        List<TcpChannel> channels = book.close(dials);
        for (ChannelBook.Attempt dial : dials) {
            dial.cancel();
            book.failed(dial, ConnectFailures.local(dial.target(), "this transport was closed"));
        }
        channels.forEach(channel -> channel.close(reason));
        List<Future<Void>> ends =
                new ArrayList<>(channels.stream().map(TcpChannel::closed).toList());
        gate.close().forEach(guest -> guest.drop("had sent no hello when the transport was closed"));
        return Future.join(ends.isEmpty() ? List.of(Future.succeededFuture()) : ends)
                .transform(_ -> closed(client.close()))
                .transform(_ -> Future.join(servers.reversed().stream()
                        .map(server -> closed(server.close()))
                        .toList()))
                .mapEmpty();
    }

    /**
     * Vert.x 5.1.5 returns null instead of a future if it is being closed itself and the client or server was collected
     * meanwhile ({@code CleanableObject.shutdown}). There is nothing to wait for then.
     */
    private static Future<Void> closed(@Nullable Future<Void> closing) {
        return closing == null ? Future.succeededFuture() : closing;
    }

    /** All servers share one listening socket, whose connections go to their contexts in turn. */
    private Future<Void> listen() {
        TcpOptions options = node.options();
        // A negative port means any free one, shared by the servers that pass the same number.
        int port = options.port() > 0
                ? options.port()
                : -ThreadLocalRandom.current().nextInt(1, Integer.MAX_VALUE);
        return listen(0, port).map(_ -> {
            address = new ProcessAddress(
                    node.self(), options.advertisedHost(), servers.getFirst().actualPort());
            return null;
        });
    }

    private Future<Void> listen(int index, int port) {
        if (index == servers.size()) {
            return Future.succeededFuture();
        }
        Context context = contexts.get(index);
        NetServer server = servers.get(index);
        server.exceptionHandler(failure -> gate.complain("tls", "failed before its hello: " + failure.getMessage()));
        server.connectHandler(
                socket -> new Admission(node, book, gate, address, new RawSocket(socket, context)).begin());
        Promise<NetServer> listening = Promise.promise();
        context.runOnContext(_ -> server.listen(port, node.options().bindHost()).onComplete(listening));
        return listening.future().compose(_ -> listen(index + 1, port));
    }

    private Context context(int index) {
        return contexts.get(Math.floorMod(index, contexts.size()));
    }

    private static MusterException notBound(TcpOptions options, String why) {
        String what = "can't open data port " + HostPort.text(options.bindHost(), options.port()) + ": ";
        return MusterException.config(what
                + (why.contains("in use")
                        ? BusyPort.sentence(options.port(), "endpoint.port")
                        : why + "; choose a free port or an address of this host"));
    }
}
