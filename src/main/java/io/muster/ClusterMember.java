package io.muster;

import com.hazelcast.config.Config;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastException;
import com.hazelcast.core.HazelcastInstance;
import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.muster.ops.ClusterFormation;
import io.muster.ops.ControlAddress;
import io.muster.ops.ControlPort;
import io.muster.segment.MusterHazelcast;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This process as a member of the cluster that Muster forms by itself: the control port and Hazelcast, which it owns both and closes in
 * reverse order. An application that brings its own Hazelcast does not need it.
 */
public final class ClusterMember implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ClusterMember.class);

  private final ControlPort controlPort;
  private final HazelcastInstance hazelcast;

  /**
   * @param process drawn by the caller, once per JVM
   * @param members control addresses of all the processes that may found or know the cluster, in the same order everywhere; the first founds
   * @param hazelcast where this process's member listens
   * @param config gives a fresh configuration at each call, such as {@code MusterHazelcast::reference}; called on another thread, while
   *     the others are asked
   */
  public record Settings(ProcessId process, List<ControlAddress> members, MusterHazelcast.Bind hazelcast, Supplier<Config> config,
      ClusterFormation.Settings formation) {
    public Settings {
      members = List.copyOf(members);
    }
  }

  private ClusterMember(ControlPort controlPort, HazelcastInstance hazelcast) {
    this.controlPort = controlPort;
    this.hazelcast = hazelcast;
  }

  /**
   * Forms or joins the cluster. Blocks until this process is a member of it.
   *
   * @param controlPort open already, so that others can ask while this process starts; closed with this member, or if starting fails
   * @throws MusterException RETRY if there is no cluster in time, CONFIG if the configuration is wrong, a port is taken, or two found
   */
  public static ClusterMember start(ControlPort controlPort, Settings settings) {
    try {
      return new ClusterMember(controlPort, form(controlPort, settings));
    } catch (RuntimeException e) {
      controlPort.close();
      throw e;
    }
  }

  private static HazelcastInstance form(ControlPort controlPort, Settings settings) {
    ClusterFormation formation =
        new ClusterFormation(controlPort, settings.process(), settings.members(), settings.formation());
    long endNanos = System.nanoTime() + settings.formation().deadline().toNanos();
    while (true) {
      long startNanos = System.nanoTime();
      CompletableFuture<Config> config = CompletableFuture.supplyAsync(settings.config());
      ClusterFormation.Decision decision = formation.await();
      long decidedNanos = System.nanoTime();
      try {
        HazelcastInstance hazelcast = Hazelcast.newHazelcastInstance(configure(loaded(config), decision, settings));
        String address = addressOf(hazelcast);
        formation.formed(address);
        log.info("cluster-{} process={} hazelcast={} members={} decideMs={} hazelcastMs={}",
            decision instanceof ClusterFormation.Decision.Found ? "founded" : "joined", settings.process(), address,
            hazelcast.getCluster().getMembers().size(), millis(decidedNanos - startNanos), millis(System.nanoTime() - decidedNanos));
        return hazelcast;
      } catch (HazelcastException | IllegalStateException e) {
        if (!(decision instanceof ClusterFormation.Decision.Join(String target, _)) || System.nanoTime() - endNanos >= 0) {
          throw new MusterException(MusterException.Kind.CONFIG, "Hazelcast did not start on " + settings.hazelcast().host() + ":"
              + settings.hazelcast().port() + ": " + e.getMessage() + "; check that the address is one of this host and the port is free", e);
        }
        log.warn("cluster-join-failed target={} cause=\"{}\" asking again", target, e.getMessage());
      }
    }
  }

  private static Config configure(Config config, ClusterFormation.Decision decision, Settings settings) {
    return switch (decision) {
      case ClusterFormation.Decision.Found(List<ControlAddress> unheard) -> {
        if (!unheard.isEmpty()) {
          log.warn("cluster-founding unheard={} founds without an answer of these; if they run a cluster, the two merge later", unheard);
        }
        yield MusterHazelcast.founding(config, settings.process(), settings.hazelcast());
      }
      case ClusterFormation.Decision.Join(String target, List<String> known) ->
          MusterHazelcast.joining(config, settings.process(), settings.hazelcast(), target, known);
      case ClusterFormation.Decision.WaitFor _, ClusterFormation.Decision.Conflict _ -> throw new IllegalStateException("undecided: " + decision);
    };
  }

  private static Config loaded(CompletableFuture<Config> config) {
    try {
      return config.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
  }

  private static String addressOf(HazelcastInstance hazelcast) {
    var address = hazelcast.getCluster().getLocalMember().getAddress();
    return (address.isIPv6() ? "[" + address.getHost() + "]" : address.getHost()) + ":" + address.getPort();
  }

  private static long millis(long nanos) {
    return Duration.ofNanos(nanos).toMillis();
  }

  public ControlPort controlPort() {
    return controlPort;
  }

  public HazelcastInstance hazelcast() {
    return hazelcast;
  }

  /** Leaves the cluster in order, so that the others take over its partitions, then closes the control port. Blocks. */
  @Override
  public void close() {
    try {
      hazelcast.shutdown();
    } finally {
      controlPort.close();
    }
  }
}
