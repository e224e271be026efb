// SPDX-License-Identifier: Apache-2.0

package io.muster;

import com.hazelcast.core.HazelcastInstance;
import io.muster.bus.LocalCodec;
import io.muster.fabric.Fabric;
import io.muster.group.FabricVerdict;
import io.muster.group.GroupSecret;
import io.muster.group.LogEvents;
import io.muster.group.MusterException;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.ops.RecordedStore;
import io.muster.options.GroupOptions;
import io.muster.options.MusterOptions;
import io.muster.options.OwnAddress;
import io.muster.options.TlsOptions;
import io.muster.options.TransportOptions;
import io.muster.runtime.CloseBound;
import io.muster.runtime.Hardware;
import io.muster.runtime.LocalGroups;
import io.muster.runtime.MusterContext;
import io.muster.runtime.MusterProcess;
import io.muster.runtime.ProcessTrust;
import io.muster.runtime.StartDependencies;
import io.muster.store.HazelcastSegmentStore;
import io.muster.store.MusterMap;
import io.muster.store.SegmentStore;
import io.muster.transfer.Transport;
import io.muster.transfer.memory.RegionTable;
import io.muster.transfer.tcp.TcpOptions;
import io.muster.transfer.tcp.TcpTransport;
import io.muster.transfer.tcp.Tls;
import io.vertx.core.Closeable;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.shareddata.Shareable;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Muster in one process. An application starts at most one per Vert.x.
 *
 * <p>The application owns Vert.x and Hazelcast. It starts both before Muster and closes both after Muster.
 * {@link #close} closes only what Muster has opened. If Vert.x is closed first, Muster closes itself: waits fail with
 * FATAL, each rank leaves if the store still answers, and a later {@link #close} does nothing. The verticles that
 * Muster deploys are never children of the verticle that calls it.
 *
 * <p>All methods may be called from any thread. A future completes on the caller's context if that context belongs to
 * this Vert.x.
 */
public final class Muster {
    private static final Logger LOG = LoggerFactory.getLogger(Muster.class);
    /** Pause between two attempts, each of which already waits for the other members. It only prevents a busy loop. */
    private static final long LISTEN_PAUSE_MS = 250;

    private static final String CLAIM = "io.muster.running";

    private final LocalGroups groups;
    private final MusterProcess process;
    private final Transport transport;
    private final SegmentStore store;
    private final Fabric fabric;
    private final Closeable closeHook =
            completion -> close().onComplete(closed -> completion.complete(null, closed.cause()));
    /**
     * Null until close is called. Guarded by this object's monitor, because close, prepare and the close hook of Vert.x
     * run on any thread.
     */
    private @Nullable Future<Void> closing;
    /** Set before the application has this Muster. */
    private volatile Runnable onClosed = () -> {};

    private Muster(LocalGroups groups, Transport transport, SegmentStore store, Fabric fabric) {
        this.groups = groups;
        this.process = groups.process();
        this.transport = transport;
        this.store = store;
        this.fabric = fabric;
        ((VertxInternal) process.vertx()).addCloseHook(closeHook);
    }

    private static Future<String> storeAndDriver() {
        return Future.succeededFuture(
                "the store is opened, and the GPU's driver asked if there is one: one of them does not answer");
    }

    /**
     * Starts Muster on an application's clustered Vert.x, whose cluster manager must be Hazelcast's.
     *
     * @return fails with CONFIG if Vert.x is not clustered over Hazelcast, a setting is wrong, the address or port
     *     can't be had, or Muster runs in this Vert.x already
     */
    public static Future<Muster> start(Vertx vertx, MusterOptions options) {
        return start(vertx, options, StartDependencies.takeFor(vertx));
    }

    private static Future<Muster> start(Vertx vertx, MusterOptions options, StartDependencies around) {
        StartDependencies.OwnStore own = around.store();
        if (own != null) {
            return start(vertx, own.store(), own.process(), options, around);
        }
        if (vertx instanceof VertxInternal inside
                && inside.clusterManager() instanceof HazelcastClusterManager manager) {
            return start(vertx, manager.getHazelcastInstance(), options, around);
        }
        return Future.failedFuture(
                MusterException.config("Muster needs a Vert.x that is clustered over Hazelcast: build it with "
                        + "Vertx.builder().withClusterManager(new HazelcastClusterManager(…)).buildClustered()"));
    }

    /**
     * Starts Muster on a clustered Vert.x and the started member of Hazelcast that it is clustered over.
     *
     * @return fails with CONFIG if a setting is wrong, the store's map is configured so that it can't work, the address
     *     or port can't be had, or Muster runs in this Vert.x or on this member already
     */
    public static Future<Muster> start(Vertx vertx, HazelcastInstance hazelcast, MusterOptions options) {
        return start(vertx, hazelcast, options, StartDependencies.USUAL);
    }

    private static Future<Muster> start(
            Vertx vertx, HazelcastInstance hazelcast, MusterOptions options, StartDependencies around) {
        var claim = new Claim();
        try {
            claim(vertx, hazelcast, claim);
        } catch (RuntimeException failure) {
            unclaim(vertx, hazelcast, claim);
            return Future.failedFuture(HazelcastSegmentStore.explained(failure, "start"));
        }
        var own = new MusterContext(vertx, options.barrier().reportEveryMs());
        return starting(
                        vertx,
                        own,
                        () -> HazelcastSegmentStore.open(
                                        hazelcast,
                                        own.context(),
                                        options.store().mapName(),
                                        Duration.ofMillis(options.store().operationTimeoutMs()))
                                .compose(store -> start(own, vertx, store, processId(hazelcast), options, around)
                                        .recover(
                                                failure -> store.close().transform(_ -> Future.failedFuture(failure)))))
                .onFailure(_ -> unclaim(vertx, hazelcast, claim))
                .onSuccess(muster -> muster.onClosed = () -> unclaim(vertx, hazelcast, claim));
    }

    /** Starts Muster on the given store. */
    static Future<Muster> start(Vertx vertx, SegmentStore store, ProcessId id, MusterOptions options) {
        return start(vertx, store, id, options, StartDependencies.USUAL);
    }

    private static Future<Transport> startTransport(LocalGroups groups, OwnAddress address, StartDependencies around) {
        MusterProcess process = groups.process();
        return around.transport()
                .start(
                        process.vertx(),
                        groups,
                        listener -> TcpTransport.start(
                                process.vertx(),
                                tcpOptions(process.options(), address),
                                process.id(),
                                process.regions(),
                                listener,
                                process.trust().keyring(),
                                process.trust().tls()));
    }

    static Future<Muster> start(
            Vertx vertx, SegmentStore store, ProcessId id, MusterOptions options, StartDependencies around) {
        var own = new MusterContext(vertx, options.barrier().reportEveryMs());
        return starting(vertx, own, () -> start(own, vertx, store, id, options, around));
    }

    /** Runs the start; it ends with FATAL if Vert.x is closed first. */
    private static Future<Muster> starting(Vertx vertx, MusterContext own, Supplier<Future<Muster>> start) {
        var inside = (VertxInternal) vertx;
        Closeable ends = completion -> {
            own.closing("Vert.x was closed while Muster started");
            completion.succeed();
        };
        inside.addCloseHook(ends);
        return own.run("start", Muster::storeAndDriver, start)
                .onFailure(_ -> own.closed("Muster did not start"))
                .onComplete(_ -> inside.removeCloseHook(ends));
    }

    private static Future<Muster> start(
            MusterContext own,
            Vertx vertx,
            SegmentStore store,
            ProcessId id,
            MusterOptions options,
            StartDependencies around) {
        LocalCodec.register(vertx);
        return own.workers()
                .executeBlocking(
                        () -> new Opened(
                                OwnAddress.of(options.endpoint()),
                                options.security().secret(),
                                certificates(options.security().tls()),
                                around.openHardware().apply(options)),
                        false)
                .compose(opened -> {
                    var hardware = Objects.requireNonNull(opened).hardware();
                    var regions = new RegionTable(vertx, own.workers());
                    var groups = new LocalGroups(
                            own,
                            vertx,
                            options,
                            id,
                            regions,
                            hardware,
                            new ProcessTrust(id, opened.secret(), opened.tls()));
                    var process = groups.process();
                    var recorded = new RecordedStore(
                            store, process.flight().recorder(), options.store().slowMs());
                    return startTransport(groups, opened.address(), around)
                            .compose(transport -> {
                                process.started(transport, recorded);
                                return listen(vertx, recorded, groups)
                                        .map(_ -> new Muster(groups, transport, store, hardware.fabric()))
                                        .recover(failure -> {
                                            process.loops().close();
                                            return transport.close().transform(_ -> Future.failedFuture(failure));
                                        });
                            })
                            .recover(failure -> hardware.close().transform(closed -> {
                                if (closed.failed()) {
                                    failure.addSuppressed(closed.cause());
                                }
                                return Future.failedFuture(failure);
                            }));
                });
    }

    /**
     * Registers the listener, which every member of the cluster has to confirm. While many members start at once, some
     * confirm too late, and while two members don't reach each other, none does. So the registration is repeated until
     * it succeeds. The store registers a listener only once, so repeating is safe.
     */
    private static Future<Void> listen(Vertx vertx, SegmentStore store, SegmentStore.Listener listener) {
        return store.listen(listener).recover(failure -> {
            if (!(failure instanceof MusterException known) || known.kind() != MusterException.Kind.RETRY) {
                return Future.failedFuture(failure);
            }
            LOG.warn(LogEvents.STORE_TROUBLE + " starting, listening again: {}", failure.getMessage());
            return vertx.timer(LISTEN_PAUSE_MS, TimeUnit.MILLISECONDS).compose(_ -> listen(vertx, store, listener));
        });
    }

    private static @Nullable Tls certificates(TlsOptions tls) {
        return Tls.ofFiles(tls.certificateFile(), tls.keyFile(), tls.authoritiesFile());
    }

    /** Results of the blocking work that is done first: the secret, the certificates, the hardware. */
    private record Opened(
            OwnAddress address,
            @Nullable GroupSecret secret,
            @Nullable Tls tls,
            Hardware hardware) {}

    /**
     * Loads and compiles the code that joining a group needs, by connecting small groups inside this process, so that
     * the first real group is not slowed down. Call it before {@link #start}, while the process waits for its cluster.
     * It needs no cluster and no started Muster. Opens sockets on {@code endpoint.bind} and some threads, and closes
     * them again.
     *
     * @param options how many rounds, and for how long: {@code prime.*}
     * @return completes with the number of rounds; fails if a round fails. All sockets and threads are closed either
     *     way
     */
    public static Future<Integer> prime(Vertx vertx, MusterOptions options) {
        Promise<Integer> primed = ((VertxInternal) vertx).getOrCreateContext().promise();
        Thread.ofVirtual().name("muster-prime").start(() -> {
            try {
                primed.complete(primeBlocking(options));
            } catch (RuntimeException e) {
                primed.fail(e);
            }
        });
        return primed.future();
    }

    /** Does the same as {@link #prime} and blocks until it is done. Returns the number of rounds. */
    public static int primeBlocking(MusterOptions options) {
        return Rehearsal.run(
                options,
                (vertx, store, id, own, around) -> start(vertx, store, id, own, around)
                        .map(started -> new Rehearsal.Participant(started::prepare, started::close)));
    }

    /**
     * Only one Muster runs on a Vert.x and on a member of Hazelcast: two would have the same addresses on the event
     * bus, or the same process id.
     *
     * @throws MusterException of kind CONFIG if there is one already
     */
    private static void claim(Vertx vertx, HazelcastInstance hazelcast, Claim claim) {
        if (vertx.sharedData().<String, Claim>getLocalMap(CLAIM).putIfAbsent(CLAIM, claim) != null) {
            throw MusterException.config("Muster runs in this Vert.x already: use that one (a MusterVerticle starts one"
                    + " of its own, which all verticles of a Vert.x share), or close it first");
        }
        if (hazelcast.getUserContext().putIfAbsent(CLAIM, claim) != null) {
            throw MusterException.config("Muster runs on this member of Hazelcast already, in another Vert.x: start a"
                    + " member for each Muster");
        }
        String id = hazelcast.getCluster().getLocalMember().getAttribute(MusterMap.PROCESS_ID_ATTRIBUTE);
        if (id != null
                && hazelcast.getCluster().getMembers().stream()
                                .filter(member -> id.equals(member.getAttribute(MusterMap.PROCESS_ID_ATTRIBUTE)))
                                .count()
                        > 1) {
            throw MusterException.config("another member of the cluster has the process id " + id
                    + " too: a configuration of Hazelcast was used for both; call MusterHazelcast.applyTo on a new one for"
                    + " each member");
        }
    }

    /** Ends the claim, if it is this one. */
    private static void unclaim(Vertx vertx, HazelcastInstance hazelcast, Claim claim) {
        vertx.sharedData().<String, Claim>getLocalMap(CLAIM).removeIfPresent(CLAIM, claim);
        if (hazelcast.getLifecycleService().isRunning()) {
            hazelcast.getUserContext().remove(CLAIM, claim);
        }
    }

    /** A Muster that runs or starts. */
    private static final class Claim implements Shareable {}

    private static ProcessId processId(HazelcastInstance hazelcast) {
        String attribute = hazelcast.getCluster().getLocalMember().getAttribute(MusterMap.PROCESS_ID_ATTRIBUTE);
        if (attribute != null) {
            try {
                return ProcessId.parse(attribute);
            } catch (IllegalArgumentException _) {
                throw MusterException.config("the member attribute " + MusterMap.PROCESS_ID_ATTRIBUTE
                        + " must be 32 hexadecimal digits, got '" + attribute + "'");
            }
        }
        return ProcessId.random(new SecureRandom());
    }

    private static TcpOptions tcpOptions(MusterOptions options, OwnAddress address) {
        TransportOptions transport = options.transport();
        return new TcpOptions(
                address.bindText(),
                options.endpoint().port(),
                address.advertised(),
                transport.helloTimeoutMs(),
                options.liveness().intervalMs(),
                options.liveness().misses(),
                transport.maxFrameBytes(),
                transport.writeTimeoutMs(),
                transport.keepaliveMs(),
                transport.maxUnauthenticatedConnections(),
                options.peer().maxSimultaneousDials());
    }

    /**
     * Joins a group: registers the memory, claims the rank and publishes it.
     *
     * @return completes when the rank is published, before anything is connected; fails with CONFIG if a live process
     *     holds the rank, if this process has joined it already, if the group has another world size or secret in this
     *     process, if one group of this process has a secret and another has none, or if a segment can't be allocated;
     *     with FATAL if Muster is closed
     */
    public Future<JoinedRank> join(GroupOptions options) {
        return prepare(options).compose(PreparedRank::publish);
    }

    /**
     * Does everything that {@link #join} does except claiming and publishing the rank. Then less is left to do while
     * other ranks wait for this one.
     */
    public Future<PreparedRank> prepare(GroupOptions options) {
        return process.own()
                .run(
                        "prepare rank " + options.rank() + " of group " + options.group(),
                        () -> groups.whatIsMissing(options.group()),
                        () -> groups.groupFor(options.group(), options.worldSize(), options.secret())
                                .compose(group -> group.prepare(options)
                                        .map(handle -> new PreparedRank(group, options.rank(), handle))));
    }

    /** The address at which other processes reach this one. */
    public ProcessAddress address() {
        return transport.address();
    }

    public ProcessId processId() {
        return process.id();
    }

    /** Whether this process has a fabric, and why. */
    public FabricVerdict fabric() {
        return fabric.verdict();
    }

    /** Status, flight record, holdings, rejections and GPU paths of this process. */
    public Diagnostics diagnostics() {
        return new Diagnostics(groups);
    }

    LocalGroups groups() {
        return groups;
    }

    MusterProcess process() {
        return process;
    }

    /**
     * Leaves every group, then closes every socket and the store's listener. Vert.x and Hazelcast stay up. Every other
     * call that is open fails with FATAL at once, but for {@link JoinedRank#leave}, which ends with the close. A second
     * call returns the outcome of the first.
     *
     * @return completes when all is closed, at the latest after {@code shutdown.timeoutMs}; the log names what has not
     *     ended by then. Does not fail
     */
    public Future<Void> close() {
        Future<Void> under;
        synchronized (this) {
            under = closing;
            if (under == null) {
                ((VertxInternal) process.vertx()).removeCloseHook(closeHook);
                under = process.own()
                        .runClose(
                                "close",
                                () -> Future.succeededFuture(
                                        "its groups leave in order, for which the store has to answer"),
                                this::closeAll);
                closing = under;
            }
        }
        process.own().closing("Muster is closed");
        return MusterContext.here(process.vertx(), under);
    }

    private Future<Void> closeAll() {
        var bound = new CloseBound(process.vertx(), process.options().shutdown().timeoutMs());
        return bound.of("groups", () -> groups.close("Muster was closed while waiting"))
                .transform(_ -> bound.of("fabric", this::closeFabric)) // before the GPUs that its memory is in
                .transform(_ -> bound.of("GPUs", () -> process.transfers().close()))
                .transform(_ -> bound.of("store", store::close))
                .transform(_ -> bound.of("transport", transport::close))
                .onComplete(_ -> {
                    process.loops().close();
                    onClosed.run();
                    process.own().closed("Muster was closed before the rank had left");
                });
    }

    private Future<Void> closeFabric() {
        return process.own()
                .workers()
                .executeBlocking(
                        () -> {
                            fabric.close();
                            return null;
                        },
                        false)
                .mapEmpty();
    }
}
