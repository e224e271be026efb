// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Vert.x's cluster manager and the version of Hazelcast that Muster pins, which is newer than the one that the cluster
 * manager asks for: real processes form a cluster, one is separated and merges back, the event bus works again between
 * all, and every JVM ends by itself. With vertx-hazelcast up to 5.1.5 the cluster manager blocked inside the MERGED
 * event while it held its own monitor, and a JVM could then not end (vertx-hazelcast issue 215).
 */
class ClusterManagerFitIT {
    private static final int PROCESSES = 3;
    private static final long PATIENCE_MS = 40_000;
    private static final long EXIT_MS = 10_000;

    private final List<JvmProcess> nodes = new ArrayList<>();

    @AfterEach
    void killAll() {
        nodes.forEach(JvmProcess::close);
    }

    @Test
    @Timeout(240)
    void afterAMergeTheEventBusWorksAndEveryProcessEnds() throws Exception {
        startAll();
        assertAllReceive("before");

        JvmProcess separated = nodes.getLast();
        separated.freeze();
        awaitSize(nodes.getFirst(), PROCESSES - 1);
        separated.thaw();
        separated.await("merged", PATIENCE_MS);
        for (JvmProcess node : nodes) {
            awaitSize(node, PROCESSES);
        }
        assertAllReceive("after");

        separated.send("stop"); // the one that has merged ends while the others are still there
        assertEnds(separated);
        for (JvmProcess node : nodes.subList(0, PROCESSES - 1)) {
            node.send("stop");
        }
        for (JvmProcess node : nodes.subList(0, PROCESSES - 1)) {
            assertEnds(node);
        }
    }

    private void startAll() throws IOException, InterruptedException {
        List<String> controls = freeAddresses();
        for (int i = 0; i < PROCESSES; i++) {
            nodes.add(JvmProcess.start(
                    "node " + i,
                    System.getProperty("java.class.path"),
                    List.of(),
                    VertxNode.class,
                    "fit-" + ProcessHandle.current().pid(),
                    controls.get(i),
                    String.join(",", controls)));
        }
        for (JvmProcess node : nodes) {
            node.await("up", PATIENCE_MS);
        }
    }

    /**
     * A message that a node publishes comes to all. Published again and again: registrations travel a moment after a
     * change of members.
     */
    private void assertAllReceive(String when) throws IOException, InterruptedException {
        for (int from = 0; from < PROCESSES; from++) {
            String text = when + "-" + from;
            for (JvmProcess to : nodes) {
                JvmProcess publisher = nodes.get(from);
                Eventually.value(
                        to + " receives " + text,
                        Duration.ofMillis(PATIENCE_MS),
                        () -> {
                            publisher.send("publish " + text);
                            return to.poll("received", 500).orElse("nothing");
                        },
                        text::equals);
            }
        }
    }

    private static void awaitSize(JvmProcess node, int size) throws IOException, InterruptedException {
        Eventually.value(
                node + " has " + size + " members",
                Duration.ofMillis(PATIENCE_MS),
                () -> {
                    node.send("size");
                    return node.poll("size", 500).orElse("none");
                },
                String.valueOf(size)::equals);
    }

    private static void assertEnds(JvmProcess node) throws InterruptedException {
        long startNanos = System.nanoTime();
        assertThat(node.awaitExit(EXIT_MS)).isZero();
        System.out.println(
                "cluster-manager-fit exitMs=" + TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNanos));
    }

    private static List<String> freeAddresses() throws IOException {
        List<ServerSocket> held = new ArrayList<>();
        try {
            for (int i = 0; i < PROCESSES; i++) {
                held.add(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
            }
            return held.stream()
                    .map(socket -> "127.0.0.1:" + socket.getLocalPort())
                    .toList();
        } finally {
            for (ServerSocket socket : held) {
                socket.close();
            }
        }
    }
}
