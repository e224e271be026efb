// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import com.hazelcast.cluster.Address;
import com.hazelcast.cluster.Cluster;
import com.hazelcast.cluster.Member;
import com.hazelcast.cluster.MembershipEvent;
import com.hazelcast.cluster.MembershipListener;
import com.hazelcast.config.Config;
import com.hazelcast.config.TcpIpConfig;
import com.hazelcast.core.HazelcastInstance;
import io.muster.group.HostPort;
import io.muster.group.LogEvents;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives Hazelcast the addresses at which to search for the other part of a split cluster: those of former members where
 * a process listens. By itself Hazelcast asks every address that it remembers, one after the other, and waits 5 s for
 * each where nothing listens. After a few restarts with other ports or addresses, a process that was stopped would not
 * be let back in for a minute.
 *
 * <p>The lock guards the addresses, where Hazelcast's event threads meet the searching thread. Only the oldest member
 * searches, as in Hazelcast.
 */
final class SplitSearch implements MembershipListener, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SplitSearch.class);

    /** How long Hazelcast itself would remember the address of a former member. */
    private static final Duration REMEMBERED = Duration.ofHours(4);

    private static final String HAZELCASTS_OWN_MEMORY =
            "hazelcast.tcp.join.previously.joined.member.address.retention.seconds";
    /** The pause of Hazelcast itself. */
    private static final String PAUSE_SECONDS = "hazelcast.merge.next.run.delay.seconds";

    /** A look is made again at the next pause, so an address that answers late is found then. */
    private static final int CONNECT_MS = 1_000;
    /** The pause after a member has left, because it may come back at any moment. */
    private static final Duration LATELY = Duration.ofMinutes(1);

    private static final long LONG_PAUSE_FACTOR = 5;

    private final Cluster cluster;
    private final TcpIpConfig list;
    private final long pauseMs;
    private final Predicate<String> isBadPath;
    /** When each former member left, by {@link System#nanoTime}. */
    private final Map<String, Long> gone = new HashMap<>();

    private @Nullable Thread looking;
    private boolean closed;

    /**
     * @param list the member list that Hazelcast reads at each search
     * @param isBadPath whether large packets are lost on the way to this host; may block
     */
    SplitSearch(Cluster cluster, TcpIpConfig list, Duration pause, Predicate<String> isBadPath) {
        this.isBadPath = isBadPath;
        this.cluster = cluster;
        this.list = list;
        this.pauseMs = pause.toMillis();
    }

    /** Call it before the member is started: afterwards Hazelcast does not remember former members by itself. */
    static Config prepare(Config config) {
        return config.setProperty(HAZELCASTS_OWN_MEMORY, "0");
    }

    /** @param config the one that the member was started with, and reads at each search */
    static SplitSearch start(HazelcastInstance member, Config config, Predicate<String> isBadPath) {
        var search = new SplitSearch(
                member.getCluster(),
                config.getAdvancedNetworkConfig().getJoin().getTcpIpConfig(),
                Duration.ofSeconds(Long.parseLong(config.getProperty(PAUSE_SECONDS))),
                isBadPath);
        member.getCluster().addMembershipListener(search);
        List.copyOf(search.list.getMembers()).forEach(search::remember);
        return search;
    }

    @Override
    public void memberAdded(MembershipEvent event) {
        forget(text(event.getMember().getAddress()));
    }

    @Override
    public void memberRemoved(MembershipEvent event) {
        remember(text(event.getMember().getAddress()));
    }

    private static String text(Address address) {
        return HostPort.text(address.getHost(), address.getPort());
    }

    private synchronized void forget(String member) {
        gone.remove(member);
    }

    private synchronized void remember(String former) {
        gone.put(former, System.nanoTime());
        if (looking == null && !closed) {
            looking = Thread.ofVirtual().name("muster-split-search").start(this::look);
        }
    }

    private void look() {
        try {
            for (List<String> former = former(); !former.isEmpty(); former = former()) {
                List<String> there = isOldest() ? listening(former) : List.of();
                if (!there.equals(list.getMembers())) {
                    LOG.debug(LogEvents.CLUSTER_SEARCHED + " at={} former={}", there, former.size());
                    list.setMembers(there);
                }
                Thread.sleep(pauseMs());
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt(); // closed
        }
    }

    /** The addresses to search at; empty if the search is over. */
    private synchronized List<String> former() {
        long now = System.nanoTime();
        gone.values().removeIf(since -> now - since > REMEMBERED.toNanos());
        cluster.getMembers()
                .forEach(member -> gone.remove(text(member.getAddress()))); // it came back before its leave was known
        if (gone.isEmpty() || closed) {
            looking = null;
            list.setMembers(List.of());
            return List.of();
        }
        return gone.keySet().stream().sorted().toList();
    }

    private synchronized long pauseMs() {
        long now = System.nanoTime();
        return gone.values().stream().anyMatch(since -> now - since < LATELY.toNanos())
                ? pauseMs
                : pauseMs * LONG_PAUSE_FACTOR;
    }

    private boolean isOldest() {
        return cluster.getMembers().stream()
                .findFirst()
                .filter(Member::localMember)
                .isPresent();
    }

    /**
     * Asks all addresses at the same time. A stopped process counts as listening, because its kernel accepts
     * connections. A path that loses large packets is not used: the merge over it would fail, and Hazelcast ends a
     * member whose merge fails.
     */
    private List<String> listening(List<String> addresses) throws InterruptedException {
        try (ExecutorService asking = Executors.newVirtualThreadPerTaskExecutor()) {
            List<String> there = new ArrayList<>();
            for (Future<Optional<String>> answer :
                    asking.invokeAll(addresses.stream().map(this::knock).toList())) {
                if (answer.state() == Future.State.SUCCESS) {
                    answer.resultNow().ifPresent(there::add);
                }
            }
            return there;
        }
    }

    private Callable<Optional<String>> knock(String address) {
        int colon = address.lastIndexOf(':');
        String host = address.substring(0, colon).replaceAll("[\\[\\]]", "");
        return () -> {
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress(host, Integer.parseInt(address.substring(colon + 1))), CONNECT_MS);
            } catch (IOException _) {
                return Optional.empty();
            }
            return isBadPath.test(host) ? Optional.empty() : Optional.of(address);
        };
    }

    @Override
    public synchronized void close() {
        closed = true;
        list.setMembers(List.of()); // no further search begins
        if (looking != null) {
            looking.interrupt();
        }
    }
}
