// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.stream.Stream;

/** Finds out why other members of Hazelcast do not answer: whether this process reaches their ports at all. */
final class MemberPorts {
    /** One lost SYN is sent again after 1 s. The result is only used in a message. */
    private static final int CONNECT_MS = 2_000;

    private static final Executor VIRTUAL =
            task -> Thread.ofVirtual().name("muster-form-reach").start(task);

    private MemberPorts() {}

    /**
     * Connects to each address. Blocks for two seconds at most.
     *
     * @param own the address of this process's member
     * @param others addresses of the other members, {@code host:port}
     * @return what is wrong and what to do, in one sentence
     */
    static String diagnosis(String own, List<String> others) {
        List<CompletableFuture<String>> tries = others.stream()
                .map(other -> CompletableFuture.supplyAsync(() -> failure(other), VIRTUAL))
                .toList();
        List<String> failures = tries.stream()
                .map(CompletableFuture::join)
                .flatMap(failure -> failure.isEmpty() ? Stream.empty() : Stream.of(failure))
                .toList();
        return failures.isEmpty()
                ? "the Hazelcast ports of " + others + " accept connections from " + own
                        + ", and an operation is not answered: a process is stopped or overloaded, two of them can't"
                        + " reach each other, or packets above some size are lost on the way (check the MTU)"
                : "Hazelcast's port can't be reached from " + own + ": " + String.join(", ", failures)
                        + "; open it on both hosts and in every firewall between them";
    }

    private static String failure(String other) {
        int colon = other.lastIndexOf(':');
        String host = other.substring(0, colon).replaceAll("[\\[\\]]", "");
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(host, Integer.parseInt(other.substring(colon + 1))), CONNECT_MS);
            return "";
        } catch (IOException e) {
            return other + " (" + e.getMessage() + ")";
        }
    }
}
