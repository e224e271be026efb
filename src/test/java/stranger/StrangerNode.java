// SPDX-License-Identifier: Apache-2.0

package stranger;

import com.hazelcast.config.Config;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import java.util.concurrent.TimeUnit;

/**
 * An application's own node, started without any class of Muster: a full member of the Hazelcast cluster, and of the
 * Vert.x cluster on it, with Hazelcast's defaults for maps.
 */
public final class StrangerNode {
    private StrangerNode() {}

    /**
     * Arguments: cluster name, address of a member, event-bus address to answer on. Prints when it is up, and its
     * Hazelcast port.
     */
    public static void main(String[] arguments) throws Exception {
        Config config = new Config();
        config.setClusterName(arguments[0]);
        config.getNetworkConfig()
                .setPort(0)
                .setPortAutoIncrement(false)
                .getInterfaces()
                .setEnabled(true)
                .addInterface("127.0.0.1");
        var join = config.getNetworkConfig().getJoin();
        join.getAutoDetectionConfig().setEnabled(false);
        join.getMulticastConfig().setEnabled(false);
        join.getTcpIpConfig().setEnabled(true).setRequiredMember(arguments[1]);
        config.setProperty("hazelcast.phone.home.enabled", "false").setProperty("hazelcast.logging.type", "none");
        VertxOptions options = new VertxOptions();
        options.getEventBusOptions().setHost("127.0.0.1");
        var manager = new HazelcastClusterManager(config);
        Vertx vertx = Vertx.builder()
                .with(options)
                .withClusterManager(manager)
                .buildClustered()
                .toCompletionStage()
                .toCompletableFuture()
                .get(20, TimeUnit.SECONDS);
        vertx.eventBus()
                .<String>consumer(arguments[2], message -> message.reply("stranger heard " + message.body()))
                .completion()
                .toCompletionStage()
                .toCompletableFuture()
                .get(20, TimeUnit.SECONDS);
        System.out.println("up " + classesOfMuster() + " "
                + manager.getHazelcastInstance()
                        .getCluster()
                        .getLocalMember()
                        .getAddress()
                        .getPort());
        while (System.in.read() >= 0) {
            // lives until its parent closes the pipe
        }
        System.exit(0);
    }

    private static String classesOfMuster() {
        try {
            Class.forName("io.muster.store.SegmentStore");
            return "with Muster";
        } catch (ClassNotFoundException _) {
            return "without Muster";
        }
    }
}
