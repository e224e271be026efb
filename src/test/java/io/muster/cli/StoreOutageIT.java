// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.hazelcast.cluster.Member;
import com.hazelcast.core.HazelcastInstance;
import io.muster.Eventually;
import io.muster.JvmProcess;
import io.muster.options.MusterHazelcast;
import io.vertx.core.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import stranger.StrangerNode;

/**
 * a member of the cluster that hosts no rank freezes for ten seconds. It owns the keys of the group, so the store
 * freezes for the group. Runs with {@code -Dmuster.faults=all}.
 */
@Timeout(300)
@EnabledIfSystemProperty(named = "muster.faults", matches = "all")
final class StoreOutageIT {
    private static final int PROCESSES = 3;
    private static final int STRANGERS = 3;
    private static final long OUTAGE_MS = 10_000;

    @TempDir
    private Path temp;

    private Fleet fleet;
    private Fleet.Place place;
    /** By their Hazelcast ports. */
    private final Map<Integer, JvmProcess> strangers = new HashMap<>();

    @RegisterExtension
    private final AfterTestExecutionCallback showAllWhenItFails =
            test -> test.getExecutionException().ifPresent(_ -> System.out.println(fleet));

    @AfterEach
    void end() {
        strangers.values().forEach(JvmProcess::close);
        fleet.close();
    }

    @Test
    void linksSurviveAStoreOutageAndTheWaitNamesIt() throws Exception {
        MusterCommand.recordTheStart();
        Path config = Files.writeString(temp.resolve("muster.yaml"), "hazelcast:\n  maxNoHeartbeatMs: 60000\n");
        place = Fleet.onLoopback(PROCESSES);
        fleet = new Fleet(temp, place, List.of("0-3", "4-7", "8-11"), "--config", config.toString());
        fleet.startAll();
        fleet.awaitAllConnectedAgain();
        String hazelcast = "127.0.0.1:" + hazelcastPort(1);
        String classPath = JvmProcess.classPathWithoutMuster(temp, StrangerNode.class);
        for (int number = 0; number < STRANGERS; number++) {
            JvmProcess stranger = JvmProcess.start(
                    "stranger-" + number,
                    classPath,
                    List.of(),
                    StrangerNode.class,
                    "muster",
                    hazelcast,
                    "stranger-" + number);
            String up = stranger.await("up", 60_000);
            strangers.put(Integer.parseInt(up.substring(up.lastIndexOf(' ') + 1)), stranger);
        }
        JvmProcess stranger = whoOwnsTheKeys(hazelcast);
        fleet.forgetEvents();

        stranger.freeze();
        long frozenNanos = System.nanoTime();
        fleet.at(3).signal("KILL");
        fleet.at(3).awaitExit();
        for (int host : List.of(1, 2)) {
            JsonObject degraded = fleet.awaitDegraded(host, 8);
            assertThat((degraded.getLong("atNanos") - frozenNanos) / 1_000_000)
                    .as("said on the node whatever the store does")
                    .isLessThan(OUTAGE_MS);
        }
        JsonObject picture = fleet.status(1);
        while (picture.getString("storeTrouble").isEmpty() && System.nanoTime() - frozenNanos < OUTAGE_MS * 1_000_000) {
            Thread.sleep(300);
            picture = fleet.status(1);
        }
        assertThat(picture.getString("storeTrouble"))
                .as(picture::encodePrettily)
                .contains("store unavailable since ", "not answered after 3000 ms");
        Thread.sleep(Math.max(0, OUTAGE_MS - (System.nanoTime() - frozenNanos) / 1_000_000));
        stranger.thaw();
        fleet.start(3);

        fleet.awaitAllConnectedAgain();
        for (int host : List.of(1, 2)) {
            assertThat(fleet.at(host).recentEvents("peer-state").stream().filter(one -> one.getInteger("peer") < 8))
                    .as("links that are up")
                    .isEmpty();
        }
        assertThat(fleet.status(1).getString("storeTrouble")).isEmpty();
        fleet.assertOneSetPerEpoch();
    }

    private int hazelcastPort(int host) {
        List<String> settings = place.settings(host);
        return Integer.parseInt(settings.get(settings.indexOf("--hazelcast-port") + 1));
    }

    /**
     * One member owns all keys of a group. Restarts the process that owns them, until a member outside of the group
     * does.
     */
    private JvmProcess whoOwnsTheKeys(String hazelcast) throws Exception {
        HazelcastInstance onlooker = Onlooker.join(hazelcast);
        try {
            for (int tries = 0; tries < 20; tries++) {
                int port = ownerWhenSettled(onlooker);
                if (strangers.containsKey(port)) {
                    return strangers.get(port);
                }
                int host = IntStream.rangeClosed(1, PROCESSES)
                        .filter(one -> hazelcastPort(one) == port)
                        .findFirst()
                        .orElseThrow();
                fleet.at(host).signal("TERM");
                fleet.at(host).awaitExit();
                fleet.start(host);
                fleet.awaitAllConnectedAgain();
            }
            throw new AssertionError("a process of the group owned its keys 20 times");
        } finally {
            onlooker.shutdown();
        }
    }

    private static int ownerWhenSettled(HazelcastInstance onlooker) throws InterruptedException {
        onlooker.getMap(MusterHazelcast.MAP_NAME).size();
        List<Integer> ports = new ArrayList<>();
        return Eventually.value(
                        "the same owner of the keys 15 times in a row",
                        Duration.ofSeconds(60),
                        () -> {
                            TimeUnit.MILLISECONDS.sleep(100);
                            Member owner = onlooker.getPartitionService()
                                    .getPartition("g")
                                    .getOwner();
                            int port = owner == null ? 0 : owner.getAddress().getPort();
                            if (port == 0
                                    || !ports.isEmpty() && port != ports.getLast()
                                    || !onlooker.getPartitionService().isClusterSafe()) {
                                ports.clear();
                            }
                            ports.add(port);
                            return ports;
                        },
                        seen -> seen.size() > 15 && seen.getLast() != 0)
                .getLast();
    }
}
