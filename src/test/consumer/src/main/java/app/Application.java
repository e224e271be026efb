package app;

import com.hazelcast.config.Config;
import io.muster.options.GroupOptions;
import io.muster.JoinedRank;
import io.muster.Muster;
import io.muster.options.MusterOptions;
import io.muster.options.MusterHazelcast;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import java.lang.foreign.Arena;
import java.time.Duration;

/** A group of two ranks in one process. One line on standard output says how it ended. */
public final class Application {
  private Application() {}

  /** Argument: the name of the Hazelcast cluster, so that runs do not meet. */
  public static void main(String[] arguments) {
    Config hazelcast = new Config().setClusterName(arguments[0]);
    hazelcast.getNetworkConfig().setPort(0).getJoin().getAutoDetectionConfig().setEnabled(false);
    hazelcast.getNetworkConfig().getJoin().getMulticastConfig().setEnabled(false);
    hazelcast.getNetworkConfig().getInterfaces().setEnabled(true).addInterface("127.0.0.1");
    HazelcastClusterManager cluster = new HazelcastClusterManager(MusterHazelcast.applyTo(hazelcast));
    VertxOptions options = new VertxOptions();
    options.getEventBusOptions().setHost("127.0.0.1");
    Vertx vertx = Vertx.builder().with(options).withClusterManager(cluster).buildClustered().await();
    Muster muster = Muster.start(vertx, MusterOptions.defaults()).await();

    Future<JoinedRank> zero = muster.join(GroupOptions.of("app", 0, 2).segment("kv", 4096));
    Future<JoinedRank> one = muster.join(GroupOptions.of("app", 1, 2).segment("kv", 4096));
    long epoch = zero.await().allConnected(Duration.ofSeconds(30)).await().epoch();
    try (Arena arena = Arena.ofShared()) {
      one.await().write(0, "kv", 0, arena.allocateFrom("from rank 1")).await();
    }
    muster.close().await();
    vertx.close().await();
    System.out.println("all-connected epoch=" + epoch);
  }
}
