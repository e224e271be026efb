// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.LogEvents;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelOption;
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
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A socket that passes Netty buffers on without a copy through the heap. The only class that uses internal interfaces
 * of Vert.x. Used on the socket's own context only, except {@link #abort} and {@link #closed}.
 */
public final class RawSocket {
    private static final Logger log = LoggerFactory.getLogger(RawSocket.class);
    /** Found by its name, because a Java runtime without the module jdk.net has no class for it. */
    private static final String KEEP_IDLE = "TCP_KEEPIDLE";

    private static final String EXPORTER = "EXPORTER-Channel-Binding";
    private static final int EXPORTED_BYTES = 32;

    private final NetSocketInternal socket;
    private final Context context;
    private final byte[] binding;
    private Consumer<ByteBuf> onBytes = ReferenceCountUtil::release;
    private Runnable onClose = () -> {};
    private Runnable onDrain = () -> {};
    private Consumer<String> onOutOfMemory = _ -> abort();
    private @Nullable String outOfMemory;
    private String trouble = "";
    private boolean tlsAlert;
    /** Written on the socket's context, read by any thread. */
    private volatile boolean closed;

    /** To be called in the same event-loop task that got the socket; later, bytes could be missed. */
    RawSocket(NetSocket socket, Context context) {
        this.socket = (NetSocketInternal) socket;
        this.context = context;
        this.binding = bindingOf(socket);
        this.socket.exceptionHandler(failure -> {
            if (failure instanceof OutOfMemoryError memory) { // while reading: Netty closes the socket
                outOfMemory(memory);
                return;
            }
            trouble = String.valueOf(failure.getMessage());
            tlsAlert = trouble.contains("alert"); // the JDK has no type for an alert that was received
        });
        this.socket.messageHandler(message -> {
            if (message instanceof ByteBuf bytes) {
                onBytes.accept(bytes);
            } else {
                ReferenceCountUtil.release(message);
            }
        });
        if (!this.socket.channelHandlerContext().channel().isActive()) {
            closed = true; // closed before this task, so the close handler will never be called
            tlsAlert = socket.isSsl();
            trouble = socket.isSsl()
                    ? "alert: it ended the TLS session right after the handshake;"
                            + " does it accept this process's certificate?"
                    : "";
        }
        this.socket.drainHandler(_ -> onDrain.run());
        this.socket.closeHandler(_ -> {
            closed = true;
            onClose.run();
        });
    }

    /** Independent event-loop contexts, each on another event loop of this Vert.x as long as there are enough. */
    static List<Context> eventLoops(Vertx vertx, int count) {
        List<Context> contexts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            contexts.add(((VertxInternal) vertx).createEventLoopContext());
        }
        return List.copyOf(contexts);
    }

    /** A promise whose future calls back on the caller's context. Without one: on the thread that completes it. */
    public static <T> Promise<T> promise() {
        ContextInternal current = ContextInternal.current();
        return current == null ? Promise.promise() : current.promise();
    }

    /**
     * Fails if a process listens at this address. This asks the operating system, because Vert.x would let a second
     * server of this process share the socket of the first. The probe binds and does not listen, so no peer connects to
     * it.
     */
    static void probe(String host, int port) throws IOException {
        try (Socket probe = new Socket()) {
            probe.setReuseAddress(true); // ignore connections of an earlier process in TIME_WAIT
            probe.bind(new InetSocketAddress(host, port));
        }
    }

    Context context() {
        return context;
    }

    /** The handler must release the buffers. */
    void onBytes(Consumer<ByteBuf> handler) {
        onBytes = handler;
    }

    /** Runs the handler at once if the socket is closed already. */
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
     * Called when memory for sending or reading could not be allocated, with a clause that says so. The owner must end
     * the connection. Without a handler, the connection is closed. Runs the handler at once if that has happened.
     */
    void onOutOfMemory(Consumer<String> handler) {
        onOutOfMemory = handler;
        if (outOfMemory != null) {
            handler.accept(outOfMemory);
        }
    }

    private void outOfMemory(OutOfMemoryError failure) {
        if (outOfMemory == null) {
            tlsAlert = false;
            trouble = "too little direct memory: " + failure.getMessage();
            outOfMemory = trouble;
            onOutOfMemory.accept(trouble);
        }
    }

    /**
     * Allocates a buffer to send from. After an allocation failure nothing is written any more, except by
     * {@link #writeLast}: a frame that is missing between two others would go undetected.
     */
    ByteBuf buffer(int bytes) {
        try {
            return socket.channelHandlerContext().alloc().directBuffer(bytes);
        } catch (OutOfMemoryError failure) {
            outOfMemory(failure);
            return Unpooled.buffer(bytes);
        }
    }

    /** Takes ownership of the buffer, and flushes. Its memory must stay valid until the future completes. */
    Future<Void> write(ByteBuf bytes) {
        if (outOfMemory != null) {
            bytes.release();
            return Future.failedFuture(outOfMemory);
        }
        return socket.writeMessage(bytes);
    }

    /** Writes one last frame, also after an allocation has failed; a small buffer may still be had. */
    void writeLast(ByteBuf bytes) {
        var _ = socket.writeMessage(bytes);
    }

    /** Identifies the TLS session of this socket, and is known to its two ends only. Empty without TLS. */
    byte[] binding() {
        return binding;
    }

    /** RFC 9266: a value that both ends, and no process between them, can derive from the handshake. */
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
     * After this call, a failed write does not close the socket at once. The bytes that the peer sent before it closed
     * its end are read first.
     */
    void readOnWhenAWriteFails() {
        socket.channelHandlerContext().channel().config().setAutoClose(false);
    }

    /** Has the operating system probe the connection when it has been idle for this long. */
    void keepAlive(int idleMs) {
        var config = socket.channelHandlerContext().channel().config();
        config.setOption(ChannelOption.SO_KEEPALIVE, true);
        config.getOptions().keySet().stream()
                .filter(option -> option.name().endsWith(KEEP_IDLE))
                .forEach(option -> setSeconds(config, option, Math.max(1, idleMs / 1_000)));
    }

    @SuppressWarnings("unchecked") // its value is a number of seconds, with every transport of Netty
    private static void setSeconds(ChannelConfig config, ChannelOption<?> option, int seconds) {
        config.setOption((ChannelOption<Integer>) option, seconds);
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

    /** The peer's address without its port. */
    String remoteHost() {
        return socket.remoteAddress() == null
                ? "unknown"
                : String.valueOf(socket.remoteAddress().hostAddress());
    }

    /** Whether the peer has ended the TLS session, as it does when it refuses this process's certificate. */
    boolean endedByTlsAlert() {
        return tlsAlert;
    }

    /** The last error of the socket, as a clause in parentheses; empty if there was none. */
    String trouble() {
        return trouble.isEmpty() ? "" : " (" + trouble + ")";
    }

    /**
     * Closes without waiting for bytes that the peer does not read. Bytes that fit into the system's socket buffer are
     * still sent.
     */
    void abort() {
        var handlers = socket.channelHandlerContext();
        if (handlers.executor().inEventLoop()) {
            handlers.flush();
            // Close from this handler, not from the end of the pipeline: Vert.x's own close waits until all is flushed.
            var _ = handlers.close();
        } else {
            handlers.executor().execute(this::abort);
        }
    }
}
