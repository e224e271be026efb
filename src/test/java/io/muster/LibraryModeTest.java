// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.hazelcast.config.Config;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastInstance;
import io.muster.barrier.AllConnected;
import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.muster.options.GroupOptions;
import io.muster.options.MusterOptions;
import io.muster.store.MusterHazelcast;
import io.muster.testing.TransportFault;
import io.muster.testing.TransportFaults;
import io.muster.transfer.Channel;
import io.muster.transfer.ConnectException;
import io.muster.transfer.ProcessAddress;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Muster inside an application that owns Vert.x and Hazelcast: who closes what, and in which order. */
@Timeout(60)
class LibraryModeTest {
    private static final Duration LONG = Duration.ofSeconds(50);
    private static final String STORE_KEY = "app";

    private HazelcastInstance hazelcast;
    private Vertx vertx;

    @BeforeEach
    void startTheApplication() {
        Config config = MusterHazelcast.reference()
                .setClusterName("library-" + ProcessHandle.current().pid());
        MusterHazelcast.bindTo(
                MusterHazelcast.applyTo(config, ProcessId.random(RandomGenerator.getDefault())),
                new MusterHazelcast.Bind("127.0.0.1", 0));
        hazelcast = Hazelcast.newHazelcastInstance(MusterHazelcast.found(MusterHazelcast.carryVertx(config)));
        var options = new VertxOptions();
        options.getEventBusOptions().setHost("127.0.0.1");
        vertx = Vertx.builder()
                .with(options)
                .withClusterManager(new HazelcastClusterManager(hazelcast))
                .buildClustered()
                .await();
    }

    @AfterEach
    void stopTheApplication() {
        vertx.close().await();
        hazelcast.getLifecycleService().terminate();
    }

    @Test
    void vertxAndHazelcastWorkOnAfterMusterWasClosedAndMusterStartsAgain() throws Exception {
        for (int round = 0; round < 2; round++) {
            Muster muster = Muster.start(vertx, MusterOptions.defaults()).await();
            muster.join(GroupOptions.of("g", 0, 1)).await().allConnected(LONG).await();
            muster.close().await();
            muster.close().await();
            vertx.eventBus()
                    .<String>consumer("echo", message -> message.reply(message.body()))
                    .completion()
                    .await();
            assertThat(vertx.eventBus().<String>request("echo", "hello").await().body())
                    .isEqualTo("hello");
            assertThat(hazelcast.getLifecycleService().isRunning()).isTrue();
            hazelcast.getMap(STORE_KEY).set("round", round);
            assertThat(hazelcast.getMap(STORE_KEY).get("round")).isEqualTo(round);
        }
    }

    @Test
    void anApplicationsTestPutsFaultsInTheWay() {
        var faults = new TransportFaults();
        Muster muster = Muster.start(vertx, MusterOptions.defaults(), faults).await();
        muster.join(GroupOptions.of("g", 0, 1)).await().allConnected(LONG).await();
        TransportFault fault = faults.add(
                TransportFault.at(TransportFault.Point.DIAL, new TransportFault.Act.Fail("cut by the test")));

        Future<Channel> dial = muster.process()
                .routing()
                .connect(new ProcessAddress(ProcessId.random(RandomGenerator.getDefault()), "127.0.0.1", 9));

        assertThat(catchThrowableOfType(ConnectException.class, dial::await)).hasMessageContaining("cut by the test");
        assertThat(fault.fired()).isEqualTo(1);
        muster.close().await();
    }

    @Test // B-5
    void closingVertxFirstEndsWaitsWithNeitherSuccessNorTimeoutAndNothingHangs() throws Exception {
        Muster muster = Muster.start(vertx, MusterOptions.defaults()).await();
        JoinedRank rank = muster.join(GroupOptions.of("g", 0, 2)).await();
        Future<AllConnected> wait = rank.allConnected(LONG);

        vertx.close().await(20, TimeUnit.SECONDS);

        assertThat(fatal(wait)).contains("closed");
        assertThat(fatal(rank.allConnected(LONG))).contains("closed");
        assertThat(fatal(rank.register("kv", 8))).isNotEmpty();
        assertThat(fatal(rank.report())).isNotEmpty();
        rank.leave().otherwiseEmpty().await(5, TimeUnit.SECONDS);
        muster.close().await(5, TimeUnit.SECONDS);
        assertThat(fatal(muster.join(GroupOptions.of("g", 0, 2)))).isNotEmpty();
        assertThat(hazelcast.getLifecycleService().isRunning()).isTrue();
        assertThat(hazelcast.getMap(MusterHazelcast.MAP_NAME).keySet()).contains("g/rank/0@g");
    }

    @Test
    void shuttingHazelcastDownFirstHangsNothing() throws Exception {
        Muster muster = Muster.start(vertx, MusterOptions.defaults()).await();
        Future<AllConnected> wait =
                muster.join(GroupOptions.of("g", 0, 2)).await().allConnected(LONG);
        hazelcast.getLifecycleService().terminate();
        muster.close().await(20, TimeUnit.SECONDS);
        assertThat(fatal(wait)).containsAnyOf("closed", "Hazelcast has shut down in this process");
    }

    @Test
    void anApplicationsVerticleMayOwnMusterFromItsStartToItsStop() throws Exception {
        String owner = vertx.deployVerticle(new Owner()).await();
        String bystander = vertx.deployVerticle(new Bystander()).await();
        vertx.undeploy(bystander).await();
        vertx.undeploy(owner).await(20, TimeUnit.SECONDS);
        Muster again = Muster.start(vertx, MusterOptions.defaults()).await();
        again.join(GroupOptions.of("g", 0, 1)).await().allConnected(LONG).await();
        again.close().await();
    }

    /** Starts Muster and joins on its own context; its stop is called after its children, if it had any, are gone. */
    private static final class Owner extends VerticleBase {
        private @Nullable Muster muster;

        @Override
        public Future<?> start() {
            return Muster.start(vertx, MusterOptions.defaults()).compose(started -> {
                muster = started;
                assertThat(Vertx.currentContext()).isEqualTo(context);
                return started.join(GroupOptions.of("g", 0, 1)).compose(rank -> rank.allConnected(LONG));
            });
        }

        @Override
        public Future<?> stop() {
            assertThat(muster.status("g").failed()).isFalse();
            return muster.close();
        }
    }

    /** Uses what another verticle owns. */
    private static final class Bystander extends VerticleBase {
        @Override
        public Future<?> start() {
            return vertx.eventBus().request("muster.g.status", new JsonObject());
        }
    }

    // ---- as a verticle

    @Test
    void aVerticleJoinsSharesAndLeaves() throws Exception {
        String zero = deploy(rank(0).put("segments", new JsonObject().put("kv", 4096)))
                .await();
        JoinedRank joined = MusterVerticle.joined(vertx, "g", 0).orElseThrow();
        assertThat(joined.segment("kv").byteSize()).isEqualTo(4096);

        String one = deploy(rank(1).put("requireAllConnectedWithinMs", 30_000)).await();
        assertThat(joined.allConnected(LONG).await().worldSize()).isEqualTo(2);
        JsonObject status = vertx.eventBus()
                .<JsonObject>request("muster.g.status", new JsonObject())
                .await()
                .body();
        assertThat(status.getInteger("processes"))
                .as("both live in the same Muster")
                .isEqualTo(1);

        vertx.undeploy(zero).await(20, TimeUnit.SECONDS);
        assertThat(MusterVerticle.joined(vertx, "g", 0)).isEmpty();
        assertThat(MusterVerticle.joined(vertx, "g", 1)).isPresent();
        vertx.undeploy(one).await(20, TimeUnit.SECONDS);
        assertThat(MusterVerticle.joined(vertx, "g", 1)).isEmpty();
        assertThat(catchThrowableOfType(
                        Exception.class,
                        () -> vertx.eventBus()
                                .request("muster.g.status", new JsonObject())
                                .await()))
                .as("nobody answers any more")
                .isNotNull();
    }

    @Test // G-1
    void aVerticleJoinsSeveralGroupsByAList() {
        deploy(new JsonObject()
                        .put("requireAllConnectedWithinMs", 30_000)
                        .put(
                                "join",
                                new JsonArray()
                                        .add(rank(0))
                                        .add(rank(1))
                                        .add(new JsonObject()
                                                .put("group", "h")
                                                .put("rank", 0)
                                                .put("worldSize", 1))))
                .await();
        assertThat(MusterVerticle.joined(vertx, "h", 0)).isPresent();
        assertThat(MusterVerticle.joined(vertx, "g", 1)).isPresent();
    }

    @Test
    void aVerticleThatFailsLeavesWhatItHasJoined() {
        Throwable late = catchThrowableOfType(
                MusterException.class,
                () -> deploy(rank(0).put("requireAllConnectedWithinMs", 200)).await());
        assertThat(late)
                .hasMessageContaining("not all connected after 200 ms")
                .hasMessageContaining("rank 1: never published");
        assertThat(MusterVerticle.joined(vertx, "g", 0)).isEmpty();
        deploy(new JsonObject()
                        .put("group", "g")
                        .put("rank", 0)
                        .put("worldSize", 1)
                        .put("requireAllConnectedWithinMs", 30_000))
                .await();
    }

    @Test
    void verticlesOfOneVertxAgreeOnTheSettings() {
        deploy(rank(0)).await();
        MusterException other = catchThrowableOfType(
                MusterException.class,
                () -> deploy(rank(1).put(
                                        "muster",
                                        new JsonObject().put("claim", new JsonObject().put("livenessMs", 777))))
                        .await());
        assertThat(other.kind()).isEqualTo(MusterException.Kind.CONFIG);
        assertThat(other).hasMessageContaining("claim.livenessMs is 777 here and 3000 there");
        MusterException twice = catchThrowableOfType(
                MusterException.class, () -> deploy(rank(0)).await());
        assertThat(twice).hasMessageContaining("rank 0 of group g has been joined by this process already");
        deploy(rank(1).put("muster", new JsonObject()).put("requireAllConnectedWithinMs", 30_000))
                .await();
    }

    @Test
    void closingVertxStopsAVerticleInOrder() throws Exception {
        deploy(rank(0)).await();
        Future<AllConnected> wait =
                MusterVerticle.joined(vertx, "g", 0).orElseThrow().allConnected(LONG);
        vertx.close().await(20, TimeUnit.SECONDS);
        assertThat(fatal(wait)).contains("closed");
    }

    private Future<String> deploy(JsonObject config) {
        return vertx.deployVerticle("io.muster.MusterVerticle", new DeploymentOptions().setConfig(config));
    }

    private static JsonObject rank(int rank) {
        return new JsonObject().put("group", "g").put("rank", rank).put("worldSize", 2);
    }

    private static String fatal(Future<?> future) throws Exception {
        MusterException failure = catchThrowableOfType(MusterException.class, () -> future.await(5, TimeUnit.SECONDS));
        assertThat(failure).as("failed by itself").isNotNull();
        assertThat(failure.kind()).isEqualTo(MusterException.Kind.FATAL);
        return failure.getMessage();
    }
}
