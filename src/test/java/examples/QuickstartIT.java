// SPDX-License-Identifier: Apache-2.0

package examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.hazelcast.config.Config;
import io.muster.JoinedRank;
import io.muster.JvmProcess;
import io.muster.options.MusterHazelcast;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import stranger.WatcherNode;

/**
 * The README's example, run: two nodes with a rank each, by API and as a verticle, and in a JVM of its own a third that
 * has founded the cluster and knows nothing of Muster.
 */
@Timeout(value = 100, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class QuickstartIT { // R-14, B-7
    private static final String CLUSTER =
            "quickstart-" + ProcessHandle.current().pid();
    private static final long PATIENCE_MS = 40_000;

    @TempDir
    Path directory;

    @Test
    void aNodeWithoutMusterReceivesAllConnected() throws Exception {
        String classPath = JvmProcess.classPathWithoutMuster(directory, WatcherNode.class, AllConnectedWatcher.class);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor();
                JvmProcess watcher = JvmProcess.start("watcher", classPath, List.of(), WatcherNode.class, CLUSTER)) {
            String[] watching = watcher.await("watching", PATIENCE_MS).split(" ", 2);
            assertThat(watching[1]).isEqualTo("without Muster");
            CompletableFuture<JoinedRank> zero = new CompletableFuture<>();
            CountDownLatch written = new CountDownLatch(1);
            CountDownLatch checked = new CountDownLatch(1);

            var first = threads.submit(() -> Quickstart.byApi(config(watching[0]), 0, 2, self -> {
                zero.complete(self);
                await(checked);
            }));
            var second = threads.submit(() -> {
                Vertx vertx = Vertx.builder()
                        .withClusterManager(new HazelcastClusterManager(MusterHazelcast.applyTo(config(watching[0]))))
                        .buildClustered()
                        .await();
                Quickstart.byVerticle(vertx, _ -> {
                    written.countDown();
                    await(checked);
                });
                vertx.close().await();
            });

            JsonObject heard = new JsonObject(watcher.await("all-connected", PATIENCE_MS));
            assertThat(heard.getString("group")).isEqualTo("ep");
            assertThat(heard.getInteger("worldSize")).isEqualTo(2);
            assertThat(heard.getLong("epoch")).isEqualTo(1);
            assertThat(heard.getJsonObject("links")).isEqualTo(new JsonObject().put("warmup", 2));
            assertThat(written.await(PATIENCE_MS, TimeUnit.MILLISECONDS)).isTrue();
            var memory = zero.get(PATIENCE_MS, TimeUnit.MILLISECONDS).segment("kv");
            assertThat(memory.byteSize()).isEqualTo(1 << 20);
            assertThat(memory.getString(0)).isEqualTo("rank 0 in epoch 1");
            assertThat(memory.getString(4096)).isEqualTo("rank 1 as a verticle");
            checked.countDown();
            first.get(PATIENCE_MS, TimeUnit.MILLISECONDS);
            second.get(PATIENCE_MS, TimeUnit.MILLISECONDS);
        }
    }

    /** What an application might configure: nothing of Muster's in it. */
    private static Config config(String member) {
        Config config = new Config().setClusterName(CLUSTER);
        config.getNetworkConfig()
                .setPort(0)
                .setPortAutoIncrement(false)
                .getInterfaces()
                .setEnabled(true)
                .addInterface("127.0.0.1");
        var join = config.getNetworkConfig().getJoin();
        join.getAutoDetectionConfig().setEnabled(false);
        join.getMulticastConfig().setEnabled(false);
        join.getTcpIpConfig().setEnabled(true).setRequiredMember(member);
        return config.setProperty("hazelcast.phone.home.enabled", "false")
                .setProperty("hazelcast.logging.type", "none");
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(PATIENCE_MS, TimeUnit.MILLISECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
