// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;

/** A path between two processes of this JVM, which can fail as a network does: without closing a connection. */
final class Relay implements AutoCloseable {
    private static final int PIECE = 16 * 1024;

    private final ServerSocket server = new ServerSocket();
    private final int target;
    private final List<Connection> connections = new CopyOnWriteArrayList<>();
    private volatile int longestPacket = Integer.MAX_VALUE;
    private volatile long pauseMs;

    /** A connection, in the order in which they were opened: control, then bulk. */
    static final class Connection {
        final Socket from;
        final Socket to;
        final AtomicLong bytes = new AtomicLong();
        volatile boolean dead;

        Connection(Socket from, Socket to) {
            this.from = from;
            this.to = to;
        }
    }

    Relay(int target) throws IOException {
        this.target = target;
        server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        Thread.ofVirtual().start(this::accept);
    }

    int port() {
        return server.getLocalPort();
    }

    Connection connection(int index) {
        return connections.get(index);
    }

    /** From now on the path loses what comes in one piece of more than this many bytes, and all behind it. */
    void loseAbove(int bytes) {
        longestPacket = bytes;
    }

    /** From now on each 16 KiB take this long. */
    void slow(long ms) {
        pauseMs = ms;
    }

    private void accept() {
        try {
            while (true) {
                Socket from = server.accept();
                Socket to = new Socket();
                to.setReceiveBufferSize(PIECE);
                to.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), target));
                Connection connection = new Connection(from, to);
                connections.add(connection);
                Thread.ofVirtual().start(() -> pump(connection, from, to));
                Thread.ofVirtual().start(() -> pump(connection, to, from));
            }
        } catch (IOException _) {
            // closed
        }
    }

    private void pump(Connection connection, Socket from, Socket to) {
        byte[] piece = new byte[PIECE];
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int read = in.read(piece); read >= 0; read = in.read(piece)) {
                if (read > longestPacket) {
                    connection.dead = true;
                }
                if (!connection.dead) {
                    connection.bytes.addAndGet(read);
                    Thread.sleep(read * pauseMs / PIECE);
                    out.write(piece, 0, read);
                }
            }
        } catch (IOException | InterruptedException _) {
            // one end was closed
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        for (Connection connection : connections) {
            connection.from.close();
            connection.to.close();
        }
    }
}
