// SPDX-License-Identifier: Apache-2.0

package io.muster.descriptor;

import io.muster.group.LogEvents;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Passes descriptors of this process to processes of the same user on this host. A connection carries one request, with
 * a region and its key, and one answer with the descriptor. The socket has a name in the abstract namespace, so it
 * leaves no file behind and is visible in this network namespace only. One thread serves one request after the other,
 * each within {@value #DEADLINE_MS} ms, and waits in a system call.
 *
 * <p>Request: {@code "MFD1"}, region (4 bytes), key (8). Answer: one byte, 0 with a descriptor, 1 without one.
 */
public final class DescriptorServer implements AutoCloseable {
    static final int MAGIC = 0x4d464431; // "MFD1"
    static final int REQUEST_BYTES = 16;
    /** Within one host an exchange takes microseconds. A client that stalls holds up the next one for this long. */
    static final int DEADLINE_MS = 500;

    private static final Logger LOG = LoggerFactory.getLogger(DescriptorServer.class);
    private static final int NAME_BYTES = 16;

    /** The descriptor of a region, if the key is right. */
    @FunctionalInterface
    public interface Lookup {
        OptionalInt descriptor(int region, long key);
    }

    private final int socket;
    private final String name;
    private final Lookup lookup;
    private final Thread thread;
    private final AtomicLong served = new AtomicLong();
    private final AtomicLong refused = new AtomicLong();
    private volatile boolean closing;

    private DescriptorServer(int socket, String name, Lookup lookup) {
        this.socket = socket;
        this.name = name;
        this.lookup = lookup;
        this.thread = Thread.ofPlatform().daemon().name("muster-descriptors").unstarted(this::serve);
    }

    /** Starts the server, under a random name. */
    public static DescriptorServer open(Lookup lookup) throws IOException {
        byte[] random = new byte[NAME_BYTES];
        new SecureRandom().nextBytes(random);
        String name = "muster-" + HexFormat.of().formatHex(random);
        int socket = SystemCalls.socket();
        try {
            SystemCalls.listen(socket, name);
        } catch (IOException failure) {
            SystemCalls.close(socket);
            throw failure;
        }
        var server = new DescriptorServer(socket, name, lookup);
        server.thread.start();
        return server;
    }

    /** Name of the socket, by which clients find the server. */
    public String name() {
        return name;
    }

    /** Number of descriptors passed so far. */
    public long served() {
        return served.get();
    }

    /** Number of requests refused. */
    public long refused() {
        return refused.get();
    }

    private void serve() {
        while (!closing) {
            try {
                int client = SystemCalls.accept(socket);
                try {
                    answer(client);
                } catch (IOException failure) {
                    refused.incrementAndGet();
                    LOG.debug(LogEvents.DESCRIPTOR_REFUSED + " socket={} reason={}", name, failure.getMessage());
                } finally {
                    SystemCalls.close(client);
                }
            } catch (IOException failure) {
                if (!closing) {
                    LOG.warn(LogEvents.DESCRIPTOR_SERVER_ENDED + " socket={} reason={}", name, failure.getMessage());
                }
                return;
            }
        }
    }

    private void answer(int client) throws IOException {
        SystemCalls.deadline(client, DEADLINE_MS);
        int user = SystemCalls.peerUser(client);
        if (user != SystemCalls.user()) {
            throw new IOException("request of user " + user + ", this process is " + SystemCalls.user());
        }
        byte[] request = SystemCalls.receive(client, REQUEST_BYTES);
        if (request.length != REQUEST_BYTES) {
            throw new IOException("request of " + request.length + " bytes, expected " + REQUEST_BYTES);
        }
        ByteBuffer in = ByteBuffer.wrap(request);
        OptionalInt descriptor =
                in.getInt() == MAGIC ? lookup.descriptor(in.getInt(), in.getLong()) : OptionalInt.empty();
        if (descriptor.isPresent()) {
            SystemCalls.send(client, new byte[] {0}, descriptor.getAsInt());
            served.incrementAndGet();
        } else {
            SystemCalls.send(client, new byte[] {1}, -1);
            refused.incrementAndGet();
        }
    }

    /**
     * Ends the thread and closes the socket; descriptors passed before stay open at their receivers. Blocks shortly.
     */
    @Override
    public void close() throws IOException {
        closing = true;
        SystemCalls.shutdown(socket);
        try {
            thread.join(2L * DEADLINE_MS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        SystemCalls.close(socket);
    }
}
