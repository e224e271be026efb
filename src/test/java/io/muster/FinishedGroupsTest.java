// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;

import com.hazelcast.core.HazelcastInstance;
import io.muster.options.GroupOptions;
import io.muster.options.MusterHazelcast;
import io.muster.options.MusterOptions;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.json.JsonObject;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Groups of ever new names leave nothing in the cluster, over real members on real sockets. */
@Timeout(300)
class FinishedGroupsTest {
    /** 1,000 is the number of the requirement. */
    private static final int GROUPS = Integer.getInteger("muster.test.groups", 100);

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final JsonObject SETTINGS = new JsonObject().put("store", new JsonObject().put("forgetMs", 1_000));

    private final List<AutoCloseable> open = new ArrayList<>();
    private final List<Muster> processes = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable one : open.reversed()) {
            one.close();
        }
    }

    private HazelcastInstance start(String cluster, @org.jspecify.annotations.Nullable HazelcastInstance founder) {
        HazelcastInstance hazelcast = LoopbackMember.start(cluster, founder);
        open.add(hazelcast::shutdown);
        var options = new VertxOptions();
        options.getEventBusOptions().setHost("127.0.0.1");
        Vertx vertx = Bounded.await(
                Vertx.builder()
                        .with(options)
                        .withClusterManager(new HazelcastClusterManager(hazelcast))
                        .buildClustered(),
                "building a clustered Vert.x");
        open.add(() -> Bounded.await(vertx.close(), "closing Vert.x"));
        Muster muster = Bounded.await(Muster.start(vertx, MusterOptions.fromJson(SETTINGS)), "starting Muster");
        open.add(() -> Bounded.await(muster.close(), "closing Muster"));
        processes.add(muster);
        return hazelcast;
    }

    @Test
    void groupsOfEverNewNamesLeaveNoKeysAndNoAddresses() {
        String cluster = "finished-" + UUID.randomUUID();
        HazelcastInstance founder = start(cluster, null);
        start(cluster, founder);
        int addresses = founder.getMultiMap("__vertx.subs").size();
        int most = 0;
        for (int group = 0; group < GROUPS; group++) {
            String name = "group-" + group;
            List<JoinedRank> ranks = new ArrayList<>();
            List<Future<JoinedRank>> joining = IntStream.range(0, 3)
                    .mapToObj(rank -> processes.get(rank % 2).join(GroupOptions.of(name, rank, 3)))
                    .toList();
            joining.forEach(one -> ranks.add(Bounded.await(one, "joining " + name)));
            ranks.forEach(rank -> Bounded.await(rank.allConnected(PATIENCE), name + " is connected"));
            Bounded.await(Future.all(ranks.stream().map(JoinedRank::leave).toList()), "leaving " + name);
            most = Math.max(most, founder.getMap(MusterHazelcast.MAP_NAME).size());
        }
        System.out.println(GROUPS + " groups of three: at most " + most + " keys at a time");
        Eventually.holds(
                "every group is forgotten",
                PATIENCE,
                () -> founder.getMap(MusterHazelcast.MAP_NAME).keySet().isEmpty()); // size() counts expired keys too
        Eventually.holds(
                "no address of a group is registered any more",
                PATIENCE,
                () -> founder.getMultiMap("__vertx.subs").size() == addresses);
        assertThat(most).isPositive();
    }
}
