package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.hazelcast.client.HazelcastClient;
import com.hazelcast.client.config.ClientConfig;
import com.hazelcast.core.HazelcastInstance;
import io.muster.segment.MusterHazelcast;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * Restarts of one rank after the other, by kill -9, with the same rank, host and ports, while the old entries, connections and late
 * messages of the former lives are still about (P-4, R-7, R-8, T-2, P-14). {@code -Dmuster.restarts=100} runs a hundred of them in a group of eight; the
 * build runs a few in a smaller one.
 */
final class RollingRestartIT {
  private static final int RESTARTS = Integer.getInteger("muster.restarts", 4);
  private static final int WORLD = RESTARTS >= 16 ? 8 : 3;

  @TempDir
  private Path temp;
  private Fleet fleet;

  @RegisterExtension
  private final AfterTestExecutionCallback showAllWhenItFails = test -> test.getExecutionException().ifPresent(_ -> System.out.println(fleet));

  @AfterEach
  void end() {
    fleet.close();
  }

  /** What a process holds of the machine. */
  private record Holdings(int threads, int descriptors, long residentKib) {
    static Holdings of(long pid) throws IOException {
      Path proc = Path.of("/proc", String.valueOf(pid));
      try (Stream<Path> tasks = Files.list(proc.resolve("task")); Stream<Path> open = Files.list(proc.resolve("fd"))) {
        long resident = Files.readAllLines(proc.resolve("status")).stream().filter(line -> line.startsWith("VmRSS:"))
            .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", ""))).findFirst().orElse(0);
        return new Holdings((int) tasks.count(), (int) open.count(), resident);
      }
    }
  }

  @Test
  void eachIsFollowedByAllConnectedWithAGreaterEpochAndNothingGrows() throws Exception {
    MusterCommand.recordTheStart();
    Fleet.Place place = Fleet.onLoopback(WORLD);
    fleet = new Fleet(temp, place, IntStream.range(0, WORLD).mapToObj(String::valueOf).toList());
    fleet.startAll();
    fleet.awaitAllConnectedAgain();
    List<Holdings> rounds = new ArrayList<>();
    Set<String> keys = storedKeys(place);
    assertThat(keys).hasSize(2 * WORLD + 1);
    long before = fleet.epoch();
    for (int restart = 0; restart < RESTARTS; restart++) {
      int host = restart % WORLD + 1;
      long killedNanos = System.nanoTime();
      fleet.forgetEvents();
      fleet.at(host).signal("KILL");
      fleet.at(host).awaitExit();
      fleet.start(host);
      fleet.awaitAllConnectedAgain();
      assertThat(fleet.epoch()).isGreaterThan(before);
      before = fleet.epoch();
      System.out.println("restart " + (restart + 1) + " of " + RESTARTS + ": rank " + (host - 1) + ", epoch " + before + ", all connected after "
          + (System.nanoTime() - killedNanos) / 1_000_000 + " ms");
      if (host == WORLD) {
        rounds.add(Holdings.of(fleet.at(1).pid())); // it has seen all others of its round restart
      }
    }
    fleet.assertOneSetPerEpoch();
    assertThat(storedKeys(place)).isEqualTo(keys);
    System.out.println("after each round, the first process: " + rounds);
    Holdings first = rounds.getFirst();
    Holdings last = rounds.getLast();
    assertThat(last.threads()).isLessThanOrEqualTo(first.threads() + 8);
    assertThat(last.descriptors()).isLessThanOrEqualTo(first.descriptors() + 8);
    assertThat(last.residentKib()).isLessThan(first.residentKib() * 3 / 2);
  }

  /** Asks the store as anybody could. */
  private static Set<String> storedKeys(Fleet.Place place) {
    List<String> settings = place.settings(1);
    var config = new ClientConfig().setClusterName("muster");
    config.getNetworkConfig().addAddress("127.0.0.1:" + settings.get(settings.indexOf("--hazelcast-port") + 1));
    config.setProperty("hazelcast.logging.type", "none");
    HazelcastInstance client = HazelcastClient.newHazelcastClient(config);
    try {
      return new TreeSet<>(client.<String, byte[]>getMap(MusterHazelcast.MAP_NAME).keySet());
    } finally {
      client.shutdown();
    }
  }
}
