// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Lines of text on a socket, with limits on the length and on the total time: a slow trickle of bytes does not extend
 * the time.
 */
final class Lines {
    private final Socket socket;
    private final byte[] buffer = new byte[8192];
    private int from;
    private int to;

    Lines(Socket socket) {
        this.socket = socket;
    }

    /**
     * The next line, or null at the end of the stream.
     *
     * @throws TooLongException if the line is longer
     * @throws SocketTimeoutException if it is not complete in time
     */
    @Nullable
    String read(int maxBytes, Duration limit) throws IOException {
        long endNanos = System.nanoTime() + limit.toNanos();
        InputStream in = socket.getInputStream();
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        while (true) {
            for (; from < to; from++) {
                if (buffer[from] == '\n') {
                    from++;
                    return line.toString(StandardCharsets.UTF_8);
                }
                if (line.size() == maxBytes) {
                    throw new TooLongException(maxBytes);
                }
                line.write(buffer[from]);
            }
            long leftMs = TimeUnit.NANOSECONDS.toMillis(endNanos - System.nanoTime());
            if (leftMs <= 0) {
                throw new SocketTimeoutException("no complete line within " + limit.toMillis() + " ms");
            }
            socket.setSoTimeout((int) Math.min(leftMs, Integer.MAX_VALUE));
            int count = in.read(buffer);
            if (count < 0) {
                return null;
            }
            from = 0;
            to = count;
        }
    }

    /** Writes a line. If the other end does not accept it in time, the socket is closed, which ends the write. */
    void write(String line, Duration limit) throws IOException {
        CompletableFuture<Void> written = new CompletableFuture<>();
        var _ = written.orTimeout(limit.toMillis(), TimeUnit.MILLISECONDS).whenComplete((_, late) -> {
            if (late != null) {
                closeQuietly(socket);
            }
        });
        socket.getOutputStream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
        written.complete(null);
    }

    static void closeQuietly(AutoCloseable socket) {
        try {
            socket.close();
        } catch (Exception _) {
            // nothing can be done about it
        }
    }

    static final class TooLongException extends IOException {
        private static final long serialVersionUID = 1L;

        TooLongException(int maxBytes) {
            super("a line is longer than " + maxBytes + " bytes");
        }
    }
}
