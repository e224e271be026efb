// SPDX-License-Identifier: Apache-2.0

package io.muster.descriptor;

import java.io.IOException;
import java.nio.ByteBuffer;

/** A copy of another process's descriptor, open in this process until it is closed. */
public final class ReceivedDescriptor implements AutoCloseable {
    private final int number;

    private ReceivedDescriptor(int number) {
        this.number = number;
    }

    /**
     * Requests the descriptor of a region from a {@link DescriptorServer}. Blocks, at most for four of its deadlines
     * per system call.
     *
     * @throws IOException if the server can't be reached, belongs to another user, or has no descriptor for this key
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
                throw new IOException("the server passes no descriptor for region " + region + " and this key");
            }
            return new ReceivedDescriptor(answer.descriptor());
        } finally {
            SystemCalls.close(socket);
        }
    }

    public int number() {
        return number;
    }

    @Override
    public void close() throws IOException {
        SystemCalls.close(number);
    }
}
