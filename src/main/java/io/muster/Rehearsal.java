package io.muster;

import io.muster.fabric.FabricVerdict;
import io.muster.fabric.NoFabric;
import io.muster.group.ProcessId;
import io.muster.segment.InMemorySegmentStore;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A whole group in miniature inside this process: two processes of Muster on a Vert.x of their own each, over loopback sockets and a store
 * in memory, which connect three ranks, write, and leave, again and again. Afterwards the code of publishing, dialling, warming up and of
 * the epochs is loaded, and partly compiled, so that the first real round does not pay for it: interpreted for the first time it takes ten
 * times as long. Touches nothing of the real process: no cluster, no published port, no group.
 */
final class Rehearsal {
  private static final Duration LIMIT = Duration.ofSeconds(10);
  private static final int RANKS = 3;
  /** Done however long they take: what they don't load, the first real round would. */
  private static final int LEAST_ROUNDS = 5;
  /** One is drawn where the real groups have one. */
  private static final SecurityOptions NO_SECRET = new SecurityOptions("", "", TlsOptions.DEFAULTS);
  private static final String SEGMENT = "rehearsal";

  private final List<Vertx> vertxes = new ArrayList<>();
  private final List<Muster> musters = new ArrayList<>();

  private Rehearsal() {}

  /** What came of it. */
  record Outcome(int rounds, long elapsedMs) {}

  /**
   * Blocks.
   *
   * @param rounds at most so many
   * @param budget no further round is begun after this time, but for the first five
   */
  static Outcome run(MusterOptions options, int rounds, Duration budget) {
    long startNanos = System.nanoTime();
    var rehearsal = new Rehearsal();
    int done = 0;
    try {
      var shared = new InMemorySegmentStore.Shared();
      MusterOptions own = inMiniature(options);
      rehearsal.start(shared, own);
      rehearsal.start(shared, own);
      while (done < rounds && (done < LEAST_ROUNDS || System.nanoTime() - startNanos < budget.toNanos())) {
        rehearsal.round(done++);
      }
    } finally {
      rehearsal.close();
    }
    return new Outcome(done, (System.nanoTime() - startNanos) / 1_000_000);
  }

  /** Any free port, no fabric, no reports. */
  private static MusterOptions inMiniature(MusterOptions options) {
    EndpointOptions endpoint = options.endpoint();
    return new MusterOptions(new EndpointOptions(endpoint.bind(), 0, -1, ""), options.hazelcast(), options.store(), options.claim(),
        options.liveness(), options.peer(), options.transport(), options.gpu(), NO_SECRET, new WarmupOptions(WarmupOptions.Mode.EXCHANGE,
            options.warmup().policyTimeoutMs(), ""), new BarrierOptions(0), options.status(),
            new FlightOptions(options.flight().entries(), options.flight().slowStoreMs(), "", 0), options.prime());
  }

  private void start(InMemorySegmentStore.Shared shared, MusterOptions options) {
    Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(2).setWorkerPoolSize(1).setInternalBlockingPoolSize(1));
    vertxes.add(vertx);
    ProcessId id = ProcessId.random(new SecureRandom());
    musters.add(Muster.start(vertx, shared.store(vertx.getOrCreateContext(), id), id, options,
        _ -> Hardware.of(new NoFabric(new FabricVerdict.NotAvailable("rehearsal")))).await());
  }

  private void round(int number) {
    List<Future<PreparedRank>> prepared = new ArrayList<>();
    for (int rank = 0; rank < RANKS; rank++) {
      prepared.add(musters.get(rank == 0 ? 0 : 1).prepare(GroupOptions.of("rehearsal-" + number, rank, RANKS).segment(SEGMENT, Long.BYTES)));
    }
    Future.all(prepared).await();
    List<Future<JoinedRank>> published = prepared.stream().map(rank -> rank.result().publish()).toList();
    List<JoinedRank> ranks = Future.all(published).await().list();
    Future.all(ranks.stream().map(rank -> rank.allConnected(LIMIT)).toList()).await();
    MemorySegment source = Arena.ofAuto().allocate(Long.BYTES);
    ranks.getLast().write(0, SEGMENT, 0, source).await();
    Future.all(ranks.stream().map(JoinedRank::leave).toList()).await();
  }

  private void close() {
    musters.forEach(muster -> muster.close().await());
    vertxes.forEach(vertx -> vertx.close().await());
  }
}
