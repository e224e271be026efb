package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.partition.Partition;
import io.muster.JvmProcess;
import io.muster.segment.MusterHazelcast;
import io.vertx.core.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import stranger.StrangerNode;

/**
 * a member of the cluster that is no rank freezes for ten seconds, and with it the part of the store that it holds. Runs with
 * {@code -Dmuster.faults=all}.
 */
@Timeout(180)
@EnabledIfSystemProperty(named = "muster.faults", matches = "all")
final class StoreOutageIT {
  private static final int PROCESSES = 3;
  private static final long OUTAGE_MS = 10_000;

  @TempDir
  private Path temp;
  private Fleet fleet;
  private JvmProcess stranger;

  @RegisterExtension
  private final AfterTestExecutionCallback showAllWhenItFails = test -> test.getExecutionException().ifPresent(_ -> System.out.println(fleet));

  @AfterEach
  void end() {
    if (stranger != null) {
      stranger.close();
    }
    fleet.close();
  }

  @Test
  void linksStayUpTheWaitSaysSinceWhenAndItRecoversByItself() throws Exception {
    MusterCommand.recordTheStart();
    Path config = Files.writeString(temp.resolve("muster.yaml"), "hazelcast:\n  maxNoHeartbeatMs: 60000\n");
    Fleet.Place place = Fleet.onLoopback(PROCESSES);
    fleet = new Fleet(temp, place, List.of("0-3", "4-7", "8-11"), "--config", config.toString());
    fleet.startAll();
    fleet.awaitAllConnectedAgain();
    List<String> first = place.settings(1);
    String hazelcast = "127.0.0.1:" + first.get(first.indexOf("--hazelcast-port") + 1);
    stranger = JvmProcess.start("stranger", JvmProcess.classPathWithoutMuster(temp, StrangerNode.class), List.of(), StrangerNode.class,
        "muster", hazelcast, "stranger");
    stranger.await("up", 60_000);
    awaitItsShareOfTheStore(hazelcast);
    fleet.forgetEvents();

    stranger.freeze();
    long frozenNanos = System.nanoTime();
    fleet.at(3).signal("KILL");
    fleet.at(3).awaitExit();
    for (int host : List.of(1, 2)) {
      JsonObject degraded = fleet.awaitDegraded(host, 8);
      assertThat((degraded.getLong("atNanos") - frozenNanos) / 1_000_000).as("said on the node whatever the store does").isLessThan(OUTAGE_MS);
    }
    JsonObject picture = fleet.status(1);
    while (picture.getString("storeTrouble").isEmpty() && System.nanoTime() - frozenNanos < OUTAGE_MS * 1_000_000) {
      Thread.sleep(300);
      picture = fleet.status(1);
    }
    assertThat(picture.getString("storeTrouble")).as(picture::encodePrettily).contains("store unavailable since ", "not answered after 3000 ms");
    Thread.sleep(Math.max(0, OUTAGE_MS - (System.nanoTime() - frozenNanos) / 1_000_000));
    stranger.thaw();
    fleet.start(3);

    fleet.awaitAllConnectedAgain();
    for (int host : List.of(1, 2)) {
      assertThat(fleet.at(host).recentEvents("peer-state").stream().filter(one -> one.getInteger("peer") < 8)).as("links that are up")
          .isEmpty();
    }
    assertThat(fleet.status(1).getString("storeTrouble")).isEmpty();
    fleet.assertOneSetPerEpoch();
  }

  /** With 25 keys in a store of which it holds a quarter, some are certainly its. */
  private static void awaitItsShareOfTheStore(String hazelcast) throws InterruptedException {
    HazelcastInstance onlooker = Onlooker.join(hazelcast);
    try {
      onlooker.getMap(MusterHazelcast.MAP_NAME).size();
      for (long moved = 0; moved < 40; TimeUnit.MILLISECONDS.sleep(100)) {
        moved = onlooker.getPartitionService().getPartitions().stream().map(Partition::getOwner).filter(Objects::nonNull)
            .filter(owner -> owner.getAttribute(MusterHazelcast.PROCESS_ID_ATTRIBUTE) == null).count();
      }
    } finally {
      onlooker.shutdown();
    }
  }
}
