// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.LogEvents;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.util.ReferenceCountUtil;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.internal.net.NetSocketInternal;
import io.vertx.core.net.NetSocket;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import javax.net.ssl.ExtendedSSLSession;
import javax.net.ssl.SSLKeyException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A socket that hands over Netty's buffers without a copy through the heap. The one class that uses Vert.x's internal
 * interfaces. Used on the socket's own context only, except {@link #abort} and {@link #closed}.
 */
public final class RawSocket {
    private static final Logger log = LoggerFactory.getLogger(RawSocket.class);
    private static final String EXPORTER = "EXPORTER-Channel-Binding";
    private static final int EXPORTED_BYTES = 32;

    private final NetSocketInternal socket;
    private final Context context;
    private final byte[] binding;
    private Consumer<ByteBuf> onBytes = ReferenceCountUtil::release;
    private Runnable onClose = () -> {};
    private Runnable onDrain = () -> {};
    private String trouble = "";
    /** Written on the socket's context, read by whoever gives up on it. */
    private volatile boolean closed;

    /** Called in the turn of the event loop that got the socket, or bytes could be missed. */
    RawSocket(NetSocket socket, Context context) {
        this.socket = (NetSocketInternal) socket;
        this.context = context;
        this.binding = bindingOf(socket);
        this.socket.exceptionHandler(failure -> trouble = String.valueOf(failure.getMessage()));
        this.socket.messageHandler(message -> {
            if (message instanceof ByteBuf bytes) {
                onBytes.accept(bytes);
            } else {
                ReferenceCountUtil.release(message);
            }
        });
        if (!this.socket.channelHandlerContext().channel().isActive()) {
            closed = true; // between the handshake and this turn, and nobody will say it again
            trouble = socket.isSsl()
                    ? "alert: it ended the TLS session as soon as it began; does it take this process's certificate?"
                    : "";
        }
        this.socket.drainHandler(_ -> onDrain.run());
        this.socket.closeHandler(_ -> {
            closed = true;
            onClose.run();
        });
    }

    /** Independent event-loop contexts of this Vert.x, each on the next loop. */
    static List<Context> eventLoops(Vertx vertx, int count) {
        List<Context> contexts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            contexts.add(((VertxInternal) vertx).createEventLoopContext());
        }
        return List.copyOf(contexts);
    }

    /** A promise whose future calls back on the caller's context, or where it is completed if the caller has none. */
    public static <T> Promise<T> promise() {
        ContextInternal current = ContextInternal.current();
        return current == null ? Promise.promise() : current.promise();
    }

    /**
     * Fails if something listens at this address. The operating system is asked, since Vert.x would let a second server
     * of this process share the socket of the first. The probe is bound and never listens, so no peer connects to it.
     */
    static void probe(String host, int port) throws IOException {
        try (Socket probe = new Socket()) {
            probe.setReuseAddress(true); // connections that a former process left in TIME_WAIT do not count
            probe.bind(new InetSocketAddress(host, port));
        }
    }

    Context context() {
        return context;
    }

    /** The handler releases what it gets. */
    void onBytes(Consumer<ByteBuf> handler) {
        onBytes = handler;
    }

    /** Runs at once if it is closed already. */
    void onClose(Runnable handler) {
        onClose = handler;
        if (closed) {
            handler.run();
        }
    }

    void onDrain(Runnable handler) {
        onDrain = handler;
    }

    /**
     * Memory to send from. Where there is none the connection ends: what it leaves out would be missed by nobody, and
     * it can be dialled again.
     */
    ByteBuf buffer(int bytes) {
        try {
            return socket.channelHandlerContext().alloc().directBuffer(bytes);
        } catch (OutOfMemoryError failure) {
            trouble = "no direct memory to send from: " + failure.getMessage() + "; raise -XX:MaxDirectMemorySize";
            abort();
            return Unpooled.buffer(bytes);
        }
    }

    /** Takes ownership of the buffer; one flush. The memory behind it must stay valid until the future completes. */
    Future<Void> write(ByteBuf bytes) {
        return socket.writeMessage(bytes);
    }

    /** What names the TLS session of this socket and is known at both ends only; empty without TLS. */
    byte[] binding() {
        return binding;
    }

    /** RFC 9266: what both ends, and nobody between them, can derive from the handshake. */
    private static byte[] bindingOf(NetSocket socket) {
        if (!socket.isSsl()) {
            return Hello.NO_BINDING;
        }
        try {
            return socket.sslSession() instanceof ExtendedSSLSession session
                    ? session.exportKeyingMaterialData(EXPORTER, null, EXPORTED_BYTES)
                    : Hello.NO_BINDING;
        } catch (SSLKeyException | UnsupportedOperationException unable) {
            log.warn(LogEvents.TLS_UNBOUND + ": proofs are not bound to this TLS session: {}", unable.toString());
            return Hello.NO_BINDING;
        }
    }

    /**
     * A write that fails no longer closes the socket at once: what the other end has said before it closed its own is
     * read first, and then that it did.
     */
    void readOnWhenAWriteFails() {
        socket.channelHandlerContext().channel().config().setAutoClose(false);
    }

    boolean full() {
        return socket.writeQueueFull();
    }

    void limitQueue(int bytes) {
        socket.setWriteQueueMaxSize(bytes);
    }

    void pause() {
        socket.pause();
    }

    void resume() {
        socket.resume();
    }

    boolean closed() {
        return closed;
    }

    /** The other end's address without its port. */
    String remoteHost() {
        return socket.remoteAddress() == null
                ? "unknown"
                : String.valueOf(socket.remoteAddress().hostAddress());
    }

    /** What the socket itself complained about last, as a clause; empty if it did not. */
    String trouble() {
        return trouble.isEmpty() ? "" : " (" + trouble + ")";
    }

    /**
     * Closes without waiting for what the other end does not take; what fits into the system's buffer still goes out.
     */
    void abort() {
        var handlers = socket.channelHandlerContext();
        if (handlers.executor().inEventLoop()) {
            handlers.flush();
            var _ = handlers.close(); // from here, not from the channel's end of the pipeline: Vert.x's own close waits until
            // all is flushed
        } else {
            handlers.executor().execute(this::abort);
        }
    }
}
