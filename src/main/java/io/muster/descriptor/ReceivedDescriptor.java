// SPDX-License-Identifier: Apache-2.0

package io.muster.descriptor;

import java.io.IOException;
import java.nio.ByteBuffer;

/** A descriptor of another process that this process now has too, until it is closed. */
public final class ReceivedDescriptor implements AutoCloseable {
    private final int number;

    private ReceivedDescriptor(int number) {
        this.number = number;
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
