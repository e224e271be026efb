// SPDX-License-Identifier: Apache-2.0

package io.muster.descriptor;

import java.io.IOException;
import java.nio.ByteBuffer;

/** A descriptor of another process that this process now has too, until it is closed. */
public final class ReceivedDescriptor implements AutoCloseable {
    private final int number;
    private final String way;

    private ReceivedDescriptor(int number, String way) {
        this.number = number;
        this.way = way;
    }

    /**
     * Asks a {@link DescriptorServer} for the descriptor of a region. Blocks, at most for some of its deadlines.
     *
     * @throws IOException if there is no such server within reach, it is another user's, or it gives none for this key
     */
    public static ReceivedDescriptor ask(String server, int region, long key) throws IOException {
        int socket = SystemCalls.socket();
        try {
            SystemCalls.deadline(socket, 4 * DescriptorServer.DEADLINE_MS);
            SystemCalls.connect(socket, server);
            int user = SystemCalls.peerUser(socket);
            if (user != SystemCalls.user()) {
                throw new IOException(
                        "the server of " + server + " is user " + user + ", this process is " + SystemCalls.user());
            }
            SystemCalls.send(
                    socket,
                    ByteBuffer.allocate(DescriptorServer.REQUEST_BYTES)
                            .putInt(DescriptorServer.MAGIC)
                            .putInt(region)
                            .putLong(key)
                            .array(),
                    -1);
            SystemCalls.Received answer = SystemCalls.receiveDescriptor(socket, 1);
            if (answer.descriptor() < 0) {
                throw new IOException("the owner hands out no descriptor for region " + region + " and this key");
            }
            return new ReceivedDescriptor(answer.descriptor(), "unix-socket");
        } finally {
            SystemCalls.close(socket);
        }
    }

    /**
     * Takes a copy of another process's descriptor, where this process may trace that one.
     *
     * @throws IOException if it may not, or there is no such process or descriptor
     */
    public static ReceivedDescriptor take(long pid, int descriptor) throws IOException {
        return new ReceivedDescriptor(SystemCalls.take(pid, descriptor), "pidfd");
    }

    public int number() {
        return number;
    }

    /** How it came: {@code unix-socket} or {@code pidfd}. */
    public String way() {
        return way;
    }

    @Override
    public void close() throws IOException {
        SystemCalls.close(number);
    }
}
