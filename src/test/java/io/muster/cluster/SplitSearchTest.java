// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import com.hazelcast.cluster.Address;
import com.hazelcast.cluster.Cluster;
import com.hazelcast.cluster.Member;
import com.hazelcast.cluster.MembershipEvent;
import com.hazelcast.config.TcpIpConfig;
import io.muster.Eventually;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * the addresses at which Hazelcast searches for the other part of a split, on real sockets, with a simulated
 * cluster.
 */
class SplitSearchTest {
    private static final Duration PAUSE = Duration.ofMillis(20);

    private final List<Member> present = new CopyOnWriteArrayList<>(List.of(member("127.0.0.1", 1, true)));
    private final Cluster cluster = (Cluster) Proxy.newProxyInstance(
            getClass().getClassLoader(), new Class<?>[] {Cluster.class}, (_, method, _) -> switch (method.getName()) {
                case "getMembers" -> new LinkedHashSet<>(present);
                default -> throw new AssertionError(method);
            });
    private final TcpIpConfig list = new TcpIpConfig();
    private final Set<String> badPaths = ConcurrentHashMap.newKeySet();
    private final SplitSearch search = new SplitSearch(cluster, list, PAUSE, badPaths::contains);

    @AfterEach
    void stop() {
        search.close();
    }

    private static Member member(String host, int port, boolean local) {
        return (Member) Proxy.newProxyInstance(
                SplitSearchTest.class.getClassLoader(),
                new Class<?>[] {Member.class},
                (_, method, _) -> switch (method.getName()) {
                    case "getAddress" -> new Address(host, port);
                    case "localMember" -> local;
                    case "hashCode" -> port;
                    default -> throw new AssertionError(method);
                });
    }

    private void removed(int port) {
        search.memberRemoved(new MembershipEvent(
                cluster, member("127.0.0.1", port, false), MembershipEvent.MEMBER_REMOVED, Set.of()));
    }

    private static ServerSocket listen() throws IOException {
        return new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    }

    private static int closedPort() throws IOException {
        try (ServerSocket closed = listen()) {
            return closed.getLocalPort();
        }
    }

    private void awaitNoSearched() {
        Eventually.value("no member is searched any more", list::getMembers, List::isEmpty);
    }

    @Test
    void searchesListeningMembersOnlyAndStopsWhenAllAreBack() throws Exception {
        try (ServerSocket there = listen()) {
            removed(closedPort());
            removed(closedPort());
            removed(there.getLocalPort());
            Eventually.value(
                    "the member that listens is searched",
                    list::getMembers,
                    members -> members.equals(List.of("127.0.0.1:" + there.getLocalPort())));

            Member back = member("127.0.0.1", there.getLocalPort(), false);
            present.add(back);
            search.memberAdded(new MembershipEvent(cluster, back, MembershipEvent.MEMBER_ADDED, Set.of(back)));
            awaitNoSearched();
        }
    }

    @Test // Hazelcast ends a member whose merge fails
    void doesNotSearchOnAPathThatLosesLargePackets() throws Exception {
        badPaths.add("127.0.0.1");
        try (ServerSocket there = listen()) {
            removed(there.getLocalPort());
            there.accept().close();
            there.accept().close(); // the first look is over
            assertThat(list.getMembers()).isEmpty();

            badPaths.clear();
            Eventually.value(
                    "the member is searched",
                    list::getMembers,
                    members -> members.equals(List.of("127.0.0.1:" + there.getLocalPort())));
        }
    }

    @Test
    void findsAMemberThatListensLater() throws Exception {
        int port = closedPort();
        removed(port);
        Thread.sleep(5 * PAUSE.toMillis()); // it has searched without success
        assertThat(list.getMembers()).isEmpty();
        try (ServerSocket _ = new ServerSocket(port, 50, InetAddress.getLoopbackAddress())) {
            Eventually.value(
                    "the member that listens is searched",
                    list::getMembers,
                    members -> members.equals(List.of("127.0.0.1:" + port)));
        }
        awaitNoSearched();
    }

    @Test
    void leavesTheSearchToTheOldestMember() throws Exception {
        present.addFirst(member("127.0.0.1", 2, false));
        try (ServerSocket there = listen()) {
            removed(there.getLocalPort());
            Thread.sleep(5 * PAUSE.toMillis()); // without success
            assertThat(list.getMembers()).isEmpty();
            present.removeFirst();
            Eventually.holds(
                    "the lost member is searched", () -> !list.getMembers().isEmpty());
        }
    }
}
