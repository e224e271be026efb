// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import com.hazelcast.cluster.Member;
import com.hazelcast.cluster.MembershipEvent;
import com.hazelcast.cluster.MembershipListener;
import com.hazelcast.config.Config;
import com.hazelcast.config.ListenerConfig;
import com.hazelcast.config.MapConfig;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.core.HazelcastInstanceAware;
import com.hazelcast.core.HazelcastInstanceNotActiveException;
import com.hazelcast.core.LifecycleEvent;
import com.hazelcast.core.LifecycleListener;
import com.hazelcast.map.IMap;
import io.muster.group.HostPort;
import io.muster.group.LogEvents;
import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.muster.options.HazelcastOptions;
import io.muster.options.MusterHazelcast;
import io.muster.options.MusterOptions;
import io.muster.store.HazelcastSegmentStore;
import io.muster.store.StoreRehearsal;
import io.muster.transfer.BusyPort;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.net.BindException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This process as a member of the cluster that Muster forms by itself. It owns the control port and Hazelcast, and
 * closes them in reverse order. An application that brings its own Hazelcast does not need it.
 */
public final class ClusterMember implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(ClusterMember.class);

    private static final String EVENT_BUS = "other members of the cluster, to start the event bus";
    private static final int PRIME_STORE_ROUNDS = 300;
    /** Prefix of what Vert.x's cluster manager keeps in Hazelcast. */
    private static final String VERTX_PREFIX = "__vertx.";

    private final ControlPort controlPort;
    private final HazelcastInstance hazelcast;
    private final SplitSearch search;
    private final ClusterFormation formation;
    private final StartProgress progress;

    /**
     * @param process the process id, chosen once per JVM
     * @param members control addresses of all processes that may found or know the cluster, in the same order
     *     everywhere; the first founds
     * @param hazelcast where this process's member listens
     * @param config returns a new configuration at each call, such as {@code MusterHazelcast::reference}
     */
    public record Settings(
            ProcessId process,
            List<ControlAddress> members,
            MusterHazelcast.Bind hazelcast,
            Supplier<Config> config,
            ClusterFormation.Settings formation) {
        public Settings {
            members = List.copyOf(members);
        }
    }

    private ClusterMember(
            ControlPort controlPort,
            HazelcastInstance hazelcast,
            SplitSearch search,
            ClusterFormation formation,
            StartProgress progress) {
        this.controlPort = controlPort;
        this.hazelcast = hazelcast;
        this.search = search;
        this.formation = formation;
        this.progress = progress;
    }

    /**
     * Forms or joins the cluster. Blocks until this process is a member.
     *
     * @param controlPort already open, so that others can ask while this process starts; closed with this member, or if
     *     starting fails
     * @throws MusterException RETRY if there is no cluster in time, CONFIG if the configuration is wrong, a port is
     *     taken, or two processes found
     */
    public static ClusterMember start(ControlPort controlPort, Settings settings) {
        return start(controlPort, settings, new StartProgress());
    }

    /** The same with the place where the start says what it waits for. */
    public static ClusterMember start(ControlPort controlPort, Settings settings, StartProgress progress) {
        try {
            return form(controlPort, settings, progress);
        } catch (RuntimeException e) {
            controlPort.close();
            throw e;
        }
    }

    private static ClusterMember form(ControlPort controlPort, Settings settings, StartProgress progress) {
        ClusterFormation formation = new ClusterFormation(
                controlPort,
                settings.process(),
                settings.members(),
                settings.hazelcast().advertise(),
                settings.formation(),
                progress);
        long endNanos = System.nanoTime() + settings.formation().deadline().toNanos();
        while (true) {
            long startNanos = System.nanoTime();
            JoinGate gate = new JoinGate(formation, progress);
            try {
                Config config = gate.before(SplitSearch.prepare(config(settings)));
                HazelcastInstance hazelcast = Hazelcast.newHazelcastInstance(config);
                hazelcast.getCluster().addMembershipListener(new TurnEnds(formation));
                String address = addressOf(hazelcast);
                formation.formed(address);
                long endedNanos = System.nanoTime();
                log.info(
                        (gate.founds() ? LogEvents.CLUSTER_FOUNDED : LogEvents.CLUSTER_JOINED)
                                + " process={} hazelcast={} members={} startMs={} waitMs={} joinMs={}",
                        settings.process(),
                        address,
                        hazelcast.getCluster().getMembers().size(),
                        millis(gate.reachedNanos - startNanos),
                        millis(gate.openedNanos - gate.reachedNanos),
                        millis(endedNanos - gate.openedNanos));
                return new ClusterMember(
                        controlPort,
                        hazelcast,
                        SplitSearch.start(hazelcast, config, formation::isBadPath),
                        formation,
                        progress);
            } catch (MusterException e) {
                throw e;
            } catch (RuntimeException e) {
                gate.rethrow();
                if (!gate.joins()) {
                    throw new MusterException(
                            MusterException.Kind.CONFIG,
                            "can't start Hazelcast on "
                                    + HostPort.text(
                                            settings.hazelcast().host(),
                                            settings.hazelcast().port()) + ": " + why(settings.hazelcast(), e),
                            e);
                }
                if (System.nanoTime() - endNanos >= 0) {
                    throw new MusterException(
                            MusterException.Kind.RETRY,
                            "a cluster was found, but joining it has failed for "
                                    + settings.formation().deadline().toMillis() + " ms: " + e.getMessage()
                                    + "; read Hazelcast's log, and check that this host reaches the members' Hazelcast"
                                    + " ports and that cluster-name is the same",
                            e);
                }
                String large = formation.largePacketsLost();
                String why = !large.isEmpty()
                        ? large
                        : MemberPorts.diagnosis(
                                HostPort.text(
                                        settings.hazelcast().host(),
                                        settings.hazelcast().port()),
                                gate.known());
                progress.waitsFor("the members " + gate.known() + " of the cluster", "joining has failed: " + why);
                log.warn(
                        LogEvents.CLUSTER_JOIN_FAILED + " process={} cause=\"{}\": joining is tried again: {}",
                        settings.process(),
                        e.getMessage(),
                        why);
                formation.tell(why);
            } finally {
                gate.close();
            }
        }
    }

    private static String why(MusterHazelcast.Bind bind, RuntimeException failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof BindException) {
                return String.valueOf(cause.getMessage()).contains("in use")
                        ? BusyPort.sentence(bind.port(), "hazelcast.port")
                        : "no interface of this host has the address " + bind.host()
                                + "; use one that it has (endpoint.bind)";
            }
        }
        String hint = FileLimit.hint();
        return failure.getMessage()
                + (hint.isEmpty() ? "; check that the address is one of this host and the port is free" : hint);
    }

    /** Lets the next process in the queue join. On Hazelcast's event thread; does not block. */
    private record TurnEnds(ClusterFormation formation) implements MembershipListener {
        @Override
        public void memberAdded(MembershipEvent event) {
            formation.memberJoined();
        }

        @Override
        public void memberRemoved(MembershipEvent event) {}
    }

    private static Config config(Settings settings) {
        Config config = settings.config().get();
        MusterHazelcast.applyTo(config, settings.process());
        MusterHazelcast.bindTo(config, settings.hazelcast());
        return MusterHazelcast.carryVertx(config);
    }

    /**
     * Lets Hazelcast load while the other processes are asked, and blocks it where it would begin to join: at STARTING,
     * on the thread that starts it. After that, Hazelcast reads from its configuration which cluster to join. Loading
     * takes seconds of processor time, joining a tenth of a second. So processes that start at the same time load at
     * the same time, and all join soon after the first has founded.
     */
    private static final class JoinGate implements LifecycleListener, HazelcastInstanceAware {
        private final CompletableFuture<ClusterFormation.Decision> decision = new CompletableFuture<>();
        private final ClusterFormation formation;
        private final StartProgress progress;
        private final Thread asking;
        private @Nullable Config config;
        private @Nullable HazelcastInstance starting;
        private long reachedNanos;
        private long openedNanos;

        JoinGate(ClusterFormation formation, StartProgress progress) {
            this.formation = formation;
            this.progress = progress;
            asking = Thread.ofVirtual().name("muster-form").start(() -> {
                try {
                    decision.complete(formation.await());
                } catch (RuntimeException e) {
                    decision.completeExceptionally(e);
                }
            });
        }

        Config before(Config prepared) {
            config = prepared.addListenerConfig(new ListenerConfig(this));
            return prepared;
        }

        @Override
        public void setHazelcastInstance(HazelcastInstance instance) {
            starting = instance;
        }

        @Override
        public void stateChanged(LifecycleEvent event) {
            if (event.getState() != LifecycleEvent.LifecycleState.STARTING || reachedNanos != 0) {
                return;
            }
            reachedNanos = System.nanoTime();
            try {
                ClusterFormation.Decision decided = decision.join();
                configure(Objects.requireNonNull(config), decided);
                if (decided instanceof ClusterFormation.Decision.Join join) {
                    progress.waitsFor("its turn to join the cluster, at " + join.at(), "");
                    formation.awaitTurn(join);
                    progress.waitsFor("the members " + join.known() + " of the cluster", "");
                } else {
                    progress.waitsFor("its own member of Hazelcast", "");
                }
            } catch (CompletionException _) {
                Objects.requireNonNull(starting).getLifecycleService().terminate();
                return;
            }
            openedNanos = System.nanoTime();
        }

        boolean founds() {
            return openedNanos != 0 && decision.join() instanceof ClusterFormation.Decision.Found;
        }

        /** Whether Hazelcast was about to join. */
        boolean joins() {
            return openedNanos != 0 && decision.join() instanceof ClusterFormation.Decision.Join;
        }

        /** Addresses of the members that Hazelcast was about to join. */
        List<String> known() {
            return decision.join() instanceof ClusterFormation.Decision.Join join ? join.known() : List.of();
        }

        /** Throws the failure of the decision, if there is one: it is why Hazelcast did not start. */
        void rethrow() {
            if (decision.isCompletedExceptionally() && decision.exceptionNow() instanceof MusterException why) {
                throw why;
            }
        }

        void close() {
            asking.interrupt();
        }

        private static void configure(Config config, ClusterFormation.Decision decision) {
            switch (decision) {
                case ClusterFormation.Decision.Found(List<ControlAddress> unanswered) -> {
                    if (!unanswered.isEmpty()) {
                        log.warn(
                                LogEvents.CLUSTER_FOUNDING
                                        + " unanswered={}: the cluster is founded without an answer of these processes;"
                                        + " if they run a cluster, the two merge later",
                                unanswered);
                    }
                    MusterHazelcast.found(config);
                }
                case ClusterFormation.Decision.Join(var _, String target, List<String> known) ->
                    MusterHazelcast.join(config, target, known);
                case ClusterFormation.Decision.WaitFor _, ClusterFormation.Decision.Conflict _ ->
                    throw new IllegalStateException("undecided: " + decision);
            }
        }
    }

    private static String addressOf(HazelcastInstance hazelcast) {
        return addressOf(hazelcast.getCluster().getLocalMember());
    }

    static String addressOf(Member member) {
        var address = member.getAddress();
        return HostPort.text(address.getHost(), address.getPort());
    }

    private static long millis(long nanos) {
        return Duration.ofNanos(nanos).toMillis();
    }

    /** A new configuration of Hazelcast with the settings of a process that the launcher starts. */
    public static Config configuration(MusterOptions options) {
        HazelcastOptions hazelcast = options.hazelcast();
        Config config = MusterHazelcast.reference();
        String mergeSeconds = Integer.toString(hazelcast.mergeDelayMs() / 1000);
        config.setProperty(
                        "hazelcast.heartbeat.interval.seconds", Integer.toString(hazelcast.heartbeatIntervalSeconds()))
                .setProperty(
                        "hazelcast.max.no.heartbeat.seconds", Integer.toString(hazelcast.maxNoHeartbeatMs() / 1000))
                .setProperty("hazelcast.merge.first.run.delay.seconds", mergeSeconds)
                .setProperty("hazelcast.merge.next.run.delay.seconds", mergeSeconds);
        return config.addMapConfig(new MapConfig(config.getMapConfig(MusterHazelcast.MAP_NAME))
                .setName(options.store().mapName()));
    }

    /**
     * A clustered Vert.x on this member. Blocks, also while other members do not answer: that is logged here and in
     * their processes. The caller closes it before the member.
     */
    public Vertx awaitVertx(VertxOptions options) {
        progress.waitsFor(EVENT_BUS, "");
        return new VertxStart(
                        () -> buildVertx(new VertxOptions(options)),
                        hazelcast.getLifecycleService()::isRunning,
                        this::diagnosis,
                        this::tell)
                .await();
    }

    private void tell(String why) {
        progress.waitsFor(EVENT_BUS, why);
        formation.tell(why);
    }

    /** The ids of the processes that are in the cluster of this one. */
    public Set<String> processes() {
        return hazelcast.getCluster().getMembers().stream()
                .map(member -> String.valueOf(member.getAttribute(MusterHazelcast.PROCESS_ID_ATTRIBUTE)))
                .collect(Collectors.toSet());
    }

    /** Why other members may not answer. Blocks. */
    private String diagnosis() {
        String large = formation.largePacketsLost();
        if (!large.isEmpty()) {
            return large;
        }
        Member self = hazelcast.getCluster().getLocalMember();
        List<String> others = hazelcast.getCluster().getMembers().stream()
                .filter(member -> !member.equals(self))
                .map(ClusterMember::addressOf)
                .toList();
        return MemberPorts.diagnosis(addressOf(self), others);
    }

    /** A clustered Vert.x on this member. The caller closes it before the member. */
    public Future<Vertx> buildVertx(VertxOptions options) {
        return Vertx.builder()
                .with(options)
                .withClusterManager(new TolerantClusterManager(hazelcast))
                .buildClustered();
    }

    /**
     * Runs each kind of store operation for a while, on a map beside the store's, so that the first group does not pay
     * for code that runs for the first time. For a process that is up and has time.
     *
     * @return completes with the number of rounds
     */
    public Future<Integer> primeStore(Vertx clustered, MusterOptions options, Duration budget) {
        long endNanos = System.nanoTime() + budget.toNanos();
        return HazelcastSegmentStore.open(
                        hazelcast,
                        clustered.getOrCreateContext(),
                        options.store().mapName() + ".rehearsal",
                        Duration.ofMillis(options.store().operationTimeoutMs()))
                .compose(store -> StoreRehearsal.run(
                                store,
                                hazelcast
                                        .getCluster()
                                        .getLocalMember()
                                        .getUuid()
                                        .toString(),
                                PRIME_STORE_ROUNDS,
                                endNanos)
                        .eventually(store::close));
    }

    /**
     * What the cluster holds for all processes.
     *
     * @param storeEntries entries of all maps of Muster
     * @param busRegistrations event-bus registrations of all nodes
     */
    public record Holdings(int storeEntries, int busRegistrations) {}

    /** Asks all members, so it blocks while one of them does not answer. Empty once Hazelcast has shut down. */
    public Optional<Holdings> holdings() {
        try {
            return Optional.of(new Holdings(
                    hazelcast.getDistributedObjects().stream()
                            .filter(object -> !object.getName().startsWith(VERTX_PREFIX))
                            .mapToInt(object -> object instanceof IMap<?, ?> map ? map.size() : 0)
                            .sum(),
                    hazelcast.getMultiMap(VERTX_PREFIX + "subs").size()));
        } catch (HazelcastInstanceNotActiveException _) {
            return Optional.empty();
        }
    }

    public HazelcastInstance hazelcast() {
        return hazelcast;
    }

    /** Leaves the cluster, so that the others take over its partitions, then closes the control port. Blocks. */
    @Override
    public void close() {
        search.close();
        try {
            hazelcast.shutdown();
        } finally {
            controlPort.close();
        }
    }
}
