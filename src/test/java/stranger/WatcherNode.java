// SPDX-License-Identifier: Apache-2.0

package stranger;

import com.hazelcast.config.Config;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastInstance;
import examples.AllConnectedWatcher;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import java.util.concurrent.TimeUnit;

/**
 * An application's node without ranks and without any class of Muster: it founds the Hazelcast cluster, and watches.
 */
public final class WatcherNode {
    private WatcherNode() {}

    /** Argument: cluster name. */
    public static void main(String[] arguments) throws Exception {
        Config config = new Config().setClusterName(arguments[0]);
        config.getNetworkConfig()
                .setPort(0)
                .setPortAutoIncrement(false)
                .getInterfaces()
                .setEnabled(true)
                .addInterface("127.0.0.1");
        var join = config.getNetworkConfig().getJoin();
        join.getAutoDetectionConfig().setEnabled(false);
        join.getMulticastConfig().setEnabled(false);
        join.getTcpIpConfig().setEnabled(true);
        config.setProperty("hazelcast.phone.home.enabled", "false").setProperty("hazelcast.logging.type", "none");
        config.getMemberAttributeConfig()
                .setAttribute("__vertx.nodeId", java.util.UUID.randomUUID().toString());
        HazelcastInstance hazelcast = Hazelcast.newHazelcastInstance(config);
        var options = new VertxOptions();
        options.getEventBusOptions().setHost("127.0.0.1");
        Vertx vertx = Vertx.builder()
                .with(options)
                .withClusterManager(new HazelcastClusterManager(hazelcast))
                .buildClustered()
                .toCompletionStage()
                .toCompletableFuture()
                .get(20, TimeUnit.SECONDS);
        vertx.deployVerticle(new AllConnectedWatcher())
                .toCompletionStage()
                .toCompletableFuture()
                .get(20, TimeUnit.SECONDS);
        var address = hazelcast.getCluster().getLocalMember().getAddress();
        System.out.println("watching " + address.getHost() + ":" + address.getPort() + " " + classesOfMuster());
        while (System.in.read() >= 0) {
            // lives until its parent closes the pipe
        }
        System.exit(0);
    }

    private static String classesOfMuster() {
        try {
            Class.forName("io.muster.Muster");
            return "with Muster";
        } catch (ClassNotFoundException _) {
            return "without Muster";
        }
    }
}
