// SPDX-License-Identifier: Apache-2.0

package io.muster;

import io.muster.fabric.NoFabric;
import io.muster.group.FabricVerdict;
import io.muster.group.ProcessId;
import io.muster.group.WarmupMode;
import io.muster.options.EndpointOptions;
import io.muster.options.FlightOptions;
import io.muster.options.GroupOptions;
import io.muster.options.MusterOptions;
import io.muster.options.PrimeOptions;
import io.muster.options.SecurityOptions;
import io.muster.options.TlsOptions;
import io.muster.options.WarmupOptions;
import io.muster.runtime.Hardware;
import io.muster.runtime.StartDependencies;
import io.muster.store.InMemorySegmentStore;
import io.muster.store.SegmentStore;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Connects small groups inside this process: a few instances of Muster, each on a Vert.x of its own, over loopback
 * sockets and a store in memory. In each round their ranks connect, write and leave; in every other round one rank
 * comes late. Afterwards the code of publishing, dialling, warming up and of the epochs is loaded and partly compiled.
 * Without that the first real round takes ten times as long. Uses nothing of the real process: no cluster, no published
 * port, no group.
 */
final class Rehearsal {
    /** Groups of one process connect within milliseconds. The limit only ends a rehearsal that hangs. */
    private static final Duration LIMIT = Duration.ofSeconds(10);
    /** Rounds that run even if the budget is spent: with fewer, much of the code is not loaded yet. */
    private static final int LEAST_ROUNDS = 5;
    /** No secret, and no environment variable that could hold one. */
    private static final SecurityOptions NO_SECRET = new SecurityOptions("", "", TlsOptions.DEFAULTS);

    private static final String SEGMENT = "rehearsal";

    /** Starts one of the processes. */
    @FunctionalInterface
    interface Starter {
        Future<Participant> start(
                Vertx vertx, SegmentStore store, ProcessId id, MusterOptions options, StartDependencies around);
    }

    /** A started process. */
    record Participant(Function<GroupOptions, Future<PreparedRank>> prepare, Supplier<Future<Void>> close) {}

    private final int processes;
    private final Starter starter;
    private final List<Vertx> vertxes = new ArrayList<>();
    private final List<Participant> started = new ArrayList<>();

    private Rehearsal(int processes, Starter starter) {
        this.processes = processes;
        this.starter = starter;
    }

    /**
     * Blocks for {@code prime.rounds} or {@code prime.budgetMs}, whichever is over first. Returns how many rounds were
     * done.
     */
    static int run(MusterOptions options, Starter starter) {
        PrimeOptions prime = options.prime();
        if (prime.rounds() == 0) {
            return 0;
        }
        long startNanos = System.nanoTime();
        var rehearsal = new Rehearsal(prime.processes(), starter);
        int done = 0;
        try {
            var shared = new InMemorySegmentStore.Shared();
            MusterOptions own = forRehearsal(options);
            for (int process = 0; process < prime.processes(); process++) {
                rehearsal.start(shared, own);
            }
            long budgetNanos = prime.budgetMs() * 1_000_000L;
            while (done < prime.rounds() && (done < LEAST_ROUNDS || System.nanoTime() - startNanos < budgetNanos)) {
                rehearsal.round(done++);
            }
        } finally {
            rehearsal.close();
        }
        return done;
    }

    /** The same options with any free port, no fabric (so mode auto exchanges), no secret and no reports. */
    private static MusterOptions forRehearsal(MusterOptions options) {
        return options.withEndpoint(endpoint ->
                        new EndpointOptions(endpoint.isWildcard() ? "127.0.0.1" : endpoint.bind(), 0, -1, ""))
                .withSecurity(_ -> NO_SECRET)
                .withWarmup(_ -> new WarmupOptions(WarmupMode.AUTO, ""))
                .withBarrier(barrier -> barrier.withReportEvery(Duration.ZERO))
                .withFlight(flight -> new FlightOptions(flight.entries(), "", 0));
    }

    private void start(InMemorySegmentStore.Shared shared, MusterOptions options) {
        Vertx vertx = Vertx.vertx(
                new VertxOptions().setEventLoopPoolSize(2).setWorkerPoolSize(1).setInternalBlockingPoolSize(1));
        vertxes.add(vertx);
        ProcessId id = ProcessId.random(new SecureRandom());
        started.add(starter.start(
                        vertx,
                        shared.store(vertx.getOrCreateContext(), id),
                        id,
                        options,
                        StartDependencies.USUAL.with(
                                _ -> Hardware.of(new NoFabric(new FabricVerdict.NotAvailable("rehearsal")))))
                .await());
    }

    private void round(int number) {
        int ranks = processes + 1;
        List<Future<PreparedRank>> prepared = new ArrayList<>();
        for (int rank = 0; rank < ranks; rank++) {
            prepared.add(started.get(Math.max(0, rank - 1))
                    .prepare()
                    .apply(GroupOptions.of("rehearsal-" + number, rank, ranks).segment(SEGMENT, Long.BYTES)));
        }
        Future.all(prepared).await();
        int late = number % 2 == 0 ? ranks : ranks - 1;
        List<JoinedRank> joined = new ArrayList<>(publish(prepared.subList(0, late)));
        joined.addAll(publish(prepared.subList(late, ranks)));
        Future.all(joined.stream().map(rank -> rank.allConnected(LIMIT)).toList())
                .await();
        MemorySegment source = Arena.ofAuto().allocate(Long.BYTES);
        joined.getLast().write(0, SEGMENT, 0, source).await();
        Future.all(joined.stream().map(JoinedRank::leave).toList()).await();
    }

    private static List<JoinedRank> publish(List<Future<PreparedRank>> ranks) {
        List<Future<JoinedRank>> published =
                ranks.stream().map(rank -> rank.result().publish()).toList();
        return published.isEmpty() ? List.of() : Future.all(published).await().list();
    }

    private void close() {
        started.forEach(process -> process.close().get().await());
        vertxes.forEach(vertx -> vertx.close().await());
    }
}
