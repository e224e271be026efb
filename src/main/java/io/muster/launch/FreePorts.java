// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import io.muster.group.MusterException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Ports of the loopback address on which no program listens now. If possible they lie below the range of ephemeral
 * ports, so that no outgoing connection takes one of them later. Another program may still take a port first; then
 * opening it fails with a message.
 */
public final class FreePorts {
    private static final int LOWEST = 10_000;
    private static final int HIGHEST = 60_000;
    private static final int ENOUGH = 1000;
    private static final int USUAL_EPHEMERAL = 32_768;
    private static final int TRIES = 2000;

    private FreePorts() {}

    /** @throws MusterException of kind RETRY if there are not enough */
    public static List<Integer> choose(int count, RandomGenerator random) {
        // some hosts use nearly all ports as ephemeral ports; there, any port is taken
        int end = lowestEphemeral() >= LOWEST + ENOUGH ? lowestEphemeral() : HIGHEST;
        List<ServerSocket> held = new ArrayList<>();
        try {
            for (int tries = 0; held.size() < count; tries++) {
                if (tries == TRIES) {
                    throw MusterException.retry(
                            "found " + held.size() + " of " + count + " free ports between " + LOWEST + " and " + end
                                    + " in " + TRIES + " attempts; close programs that hold ports, or run it again");
                }
                hold(random.nextInt(LOWEST, end), held);
            }
            return held.stream().map(ServerSocket::getLocalPort).toList();
        } finally {
            held.forEach(FreePorts::close);
        }
    }

    private static void hold(int port, List<ServerSocket> held) {
        ServerSocket socket = null;
        try {
            socket = new ServerSocket();
            socket.bind(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port));
            held.add(socket);
        } catch (IOException _) {
            if (socket != null) {
                close(socket);
            }
        }
    }

    private static int lowestEphemeral() {
        // one read only: the kernel returns nothing at an offset other than 0, and Files.readString reads one byte
        // first
        try (InputStream range = Files.newInputStream(Path.of("/proc/sys/net/ipv4/ip_local_port_range"))) {
            byte[] text = new byte[64];
            int length = range.read(text);
            return Integer.parseInt(new String(text, 0, Math.max(length, 0), StandardCharsets.US_ASCII)
                    .strip()
                    .split("\\s+", 2)[0]);
        } catch (IOException | NumberFormatException _) {
            return USUAL_EPHEMERAL;
        }
    }

    private static void close(ServerSocket socket) {
        try {
            socket.close();
        } catch (IOException _) {
            // closing it only frees the port
        }
    }
}
