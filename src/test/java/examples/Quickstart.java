// SPDX-License-Identifier: Apache-2.0

package examples;

import com.hazelcast.config.Config;
import io.muster.JoinedRank;
import io.muster.Muster;
import io.muster.MusterVerticle;
import io.muster.group.AllConnected;
import io.muster.options.GroupOptions;
import io.muster.options.MusterHazelcast;
import io.muster.options.MusterOptions;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/** An application that uses Muster. The documents show the regions between the marks; QuickstartIT runs them. */
final class Quickstart {
    private Quickstart() {}

    /** Blocks: to be called from a thread of the application's own, a virtual one will do. */
    static void byApi(Config hazelcast, int rank, int worldSize, Consumer<JoinedRank> work) {
        // spotless:off: the documents show it as it stands here
        // [api]
        HazelcastClusterManager cluster = new HazelcastClusterManager(MusterHazelcast.applyTo(hazelcast));
        Vertx vertx = Vertx.builder().withClusterManager(cluster).buildClustered().await();
        Muster muster = Muster.start(vertx, MusterOptions.defaults()).await();

        JoinedRank self = muster.join(GroupOptions.of("ep", rank, worldSize).segment("kv", 1 << 20)).await();
        AllConnected all = self.allConnected(Duration.ofSeconds(30)).await();
        try (Arena arena = Arena.ofShared()) {
            self.write(0, "kv", 4096L * rank, arena.allocateFrom("rank " + rank + " in epoch " + all.epoch())).await();
        }
        work.accept(self);

        muster.close().await();
        vertx.close().await();
        // [/api]
        // spotless:on
    }

    static void byVerticle(Vertx vertx, Consumer<JoinedRank> work) {
        // spotless:off: the documents show it as it stands here
        // [verticle]
        JsonObject config = new JsonObject("""
            {"group": "ep", "rank": 1, "worldSize": 2, "segments": {"kv": 1048576}, "requireAllConnectedWithinMs": 30000}""");
        String id = vertx.deployVerticle("io.muster.MusterVerticle", new DeploymentOptions().setConfig(config)).await();
        JoinedRank self = MusterVerticle.joined(vertx, "ep", 1).orElseThrow();
        // [/verticle]
        // spotless:on
        try (Arena arena = Arena.ofShared()) {
            self.write(0, "kv", 4096, arena.allocateFrom("rank 1 as a verticle"))
                    .await();
        }
        work.accept(self);
        vertx.undeploy(id).await();
    }

    /**
     * What a process of one host needs: Hazelcast's configuration, to be passed to {@link #byApi}, and Muster's
     * options.
     */
    record HostConfiguration(Config hazelcast, MusterOptions options) {}

    static HostConfiguration onHost(String address, String founder) {
        // spotless:off: the documents show it as it stands here
        // [hosts]
        Config hazelcast = MusterHazelcast.bindTo(MusterHazelcast.reference(), new MusterHazelcast.Bind(address, 5701));
        if (address.equals(founder)) {
            MusterHazelcast.found(hazelcast);
        } else {
            MusterHazelcast.join(hazelcast, founder + ":5701", List.of("10.0.0.4:5701", "10.0.0.5:5701"));
        }
        MusterOptions options = MusterOptions.defaults().withEndpoint(endpoint -> endpoint.withBind(address));
        // [/hosts]
        // spotless:on
        return new HostConfiguration(hazelcast, options);
    }

    static MusterOptions settings(String address) {
        // [options]
        MusterOptions options = MusterOptions.defaults()
                .withEndpoint(endpoint -> endpoint.withBind(address).withPort(9000))
                .withLiveness(liveness ->
                        liveness.withInterval(Duration.ofMillis(500)).withMisses(4))
                .withPeer(peer -> peer.withWarmupTimeout(Duration.ofSeconds(10)));
        // [/options]
        return options;
    }
}
