package io.muster.cli;

import com.hazelcast.config.Config;
import com.hazelcast.config.JoinConfig;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.map.IMap;
import com.hazelcast.map.listener.EntryUpdatedListener;
import io.muster.MusterOptions;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.net.NetClient;
import io.vertx.core.net.NetServer;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;

/**
 * Does once what every start does, so that the JVM can record the classes: a cluster of one over loopback, the event bus, the map, an
 * exchange over TCP. The launcher runs it after a build to make the archive; a class that is not touched here is only loaded more slowly.
 */
@Command(name = "train-archive", hidden = true, description = "Touch what a real start touches (used by the launcher).")
final class TrainArchiveCommand implements Callable<Integer> {
  private static final String LOOPBACK = "127.0.0.1";
  private static final int LIMIT_S = 60;

  @Override
  public Integer call() throws Exception {
    MusterOptions.fromJson(MusterOptions.defaults().toJson());
    HazelcastClusterManager cluster = new HazelcastClusterManager(clusterOfOne());
    Vertx vertx = await(Vertx.builder().with(options()).withClusterManager(cluster).buildClustered());
    try {
      touchStore(cluster.getHazelcastInstance());
      await(touchEventBus(vertx));
      await(touchSockets(vertx));
    } finally {
      await(vertx.close());
    }
    return Main.OK;
  }

  private static Config clusterOfOne() {
    Config config = new Config().setClusterName("muster-train-" + ProcessHandle.current().pid());
    config.setProperty("hazelcast.logging.type", "slf4j").setProperty("hazelcast.phone.home.enabled", "false")
        .setProperty("hazelcast.shutdownhook.enabled", "false").setProperty("hazelcast.socket.bind.any", "false");
    config.getMetricsConfig().setEnabled(false);
    config.getNetworkConfig().setPort(0).setPortAutoIncrement(false).getInterfaces().setEnabled(true).addInterface(LOOPBACK);
    JoinConfig join = config.getNetworkConfig().getJoin();
    join.getMulticastConfig().setEnabled(false);
    join.getAutoDetectionConfig().setEnabled(false);
    join.getTcpIpConfig().setEnabled(true);
    return config;
  }

  private static VertxOptions options() {
    VertxOptions options = new VertxOptions();
    options.getEventBusOptions().setHost(LOOPBACK).setPort(0);
    return options;
  }

  private static void touchStore(HazelcastInstance hazelcast) {
    IMap<String, byte[]> map = hazelcast.getMap("train");
    map.addEntryListener((EntryUpdatedListener<String, byte[]>) _ -> {}, true);
    byte[] first = {1};
    byte[] second = {2};
    map.putIfAbsent("key", first);
    map.replace("key", first, second);
    map.remove("key", second);
  }

  private static Future<?> touchEventBus(Vertx vertx) {
    var consumer = vertx.eventBus().<String>consumer("train", message -> message.reply(message.body()));
    return consumer.completion().compose(_ -> vertx.eventBus().request("train", "ping")).eventually(consumer::unregister);
  }

  private static Future<?> touchSockets(Vertx vertx) {
    NetServer server = vertx.createNetServer().connectHandler(socket -> socket.handler(socket::write));
    NetClient client = vertx.createNetClient();
    return server.listen(0, LOOPBACK).compose(_ -> client.connect(server.actualPort(), LOOPBACK)).compose(socket -> {
      Future<Buffer> answer = Future.future(promise -> socket.handler(promise::tryComplete));
      return socket.write("ping").compose(_ -> answer);
    }).eventually(client::close).eventually(server::close);
  }

  private static <T> T await(Future<T> future) throws Exception {
    return future.toCompletionStage().toCompletableFuture().get(LIMIT_S, TimeUnit.SECONDS);
  }
}
