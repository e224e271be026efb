// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.hazelcast.config.Config;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastInstance;
import io.muster.group.AllConnected;
import io.muster.group.MusterException;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.options.GroupOptions;
import io.muster.options.MusterHazelcast;
import io.muster.options.MusterOptions;
import io.muster.testing.TransportFault;
import io.muster.testing.TransportFaults;
import io.muster.transfer.Channel;
import io.muster.transfer.ConnectException;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
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
    private static final int WORKERS = 2;

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
        var options = new VertxOptions().setWorkerPoolSize(WORKERS);
        options.getEventBusOptions().setHost("127.0.0.1");
        vertx = Bounded.await(
                Vertx.builder()
                        .with(options)
                        .withClusterManager(new HazelcastClusterManager(hazelcast))
                        .buildClustered(),
                "building a clustered Vert.x");
    }

    @AfterEach
    void stopTheApplication() {
        Bounded.await(vertx.close(), "closing Vert.x");
        hazelcast.getLifecycleService().terminate();
    }

    @Test
    void vertxAndHazelcastOutliveMusterAndItCanStartAgain() throws Exception {
        for (int round = 0; round < 2; round++) {
            Muster muster = Bounded.await(Muster.start(vertx, MusterOptions.defaults()), "starting Muster");
            Bounded.await(
                    Bounded.await(muster.join(GroupOptions.of("g", 0, 1)), "joining the group")
                            .allConnected(LONG),
                    "all connected");
            Bounded.await(muster.close(), "closing Muster");
            Bounded.await(muster.close(), "closing Muster");
            Bounded.await(
                    vertx.eventBus()
                            .<String>consumer("echo", message -> message.reply(message.body()))
                            .completion(),
                    "registering the consumer");
            assertThat(Bounded.await(vertx.eventBus().<String>request("echo", "hello"), "the reply on the event bus")
                            .body())
                    .isEqualTo("hello");
            assertThat(hazelcast.getLifecycleService().isRunning()).isTrue();
            hazelcast.getMap(STORE_KEY).set("round", round);
            assertThat(hazelcast.getMap(STORE_KEY).get("round")).isEqualTo(round);
        }
    }

    @Test
    void anApplicationsTestCanInjectFaults() {
        var faults = new TransportFaults();
        Muster muster = Bounded.await(faults.start(vertx, MusterOptions.defaults()), "muster start");
        Bounded.await(
                Bounded.await(muster.join(GroupOptions.of("g", 0, 1)), "joining the group")
                        .allConnected(LONG),
                "all connected");
        TransportFault fault = faults.add(
                TransportFault.at(TransportFault.Point.DIAL, new TransportFault.Act.Fail("cut by the test")));

        Future<Channel> dial = muster.process()
                .routing()
                .connect(new ProcessAddress(ProcessId.random(RandomGenerator.getDefault()), "127.0.0.1", 9));

        assertThat(catchThrowableOfType(ConnectException.class, () -> Bounded.await(dial, "the dial")))
                .hasMessageContaining("cut by the test");
        assertThat(fault.fired()).isEqualTo(1);
        Bounded.await(muster.close(), "closing Muster");
    }

    @Test // B-5
    void closingVertxFirstFailsWaitsAsClosedAndNothingHangs() throws Exception {
        Muster muster = Bounded.await(Muster.start(vertx, MusterOptions.defaults()), "starting Muster");
        JoinedRank rank = Bounded.await(muster.join(GroupOptions.of("g", 0, 2)), "joining the group");
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
    void nothingHangsIfHazelcastIsShutDownFirst() throws Exception {
        Muster muster = Bounded.await(Muster.start(vertx, MusterOptions.defaults()), "starting Muster");
        Future<AllConnected> wait = Bounded.await(muster.join(GroupOptions.of("g", 0, 2)), "joining the group")
                .allConnected(LONG);
        hazelcast.getLifecycleService().terminate();
        muster.close().await(20, TimeUnit.SECONDS);
        assertThat(fatal(wait)).containsAnyOf("closed", "Hazelcast has shut down in this process");
    }

    @Test
    void everyCallFailsWithFatalAfterHazelcastWasShutDown() throws Exception {
        Muster muster = Bounded.await(Muster.start(vertx, MusterOptions.defaults()), "starting Muster");
        JoinedRank rank = Bounded.await(muster.join(GroupOptions.of("g", 0, 2)), "joining the group");
        PreparedRank prepared = Bounded.await(muster.prepare(GroupOptions.of("g", 1, 2)), "preparing");
        hazelcast.getLifecycleService().terminate();

        assertThat(fatal(muster.join(GroupOptions.of("new", 0, 2)))).contains("Hazelcast");
        assertThat(fatal(prepared.publish())).contains("Hazelcast");
        assertThat(fatal(rank.register("kv", 8))).contains("Hazelcast");
        assertThat(fatal(rank.allConnected(LONG))).contains("Hazelcast");
        muster.close().await(20, TimeUnit.SECONDS);
        assertThat(fatal(Muster.start(vertx, MusterOptions.defaults()))).contains("Hazelcast");
    }

    @Test
    void aJoinDuringTheEndOfHazelcastFailsWithFatal() throws Exception {
        Muster muster = Bounded.await(Muster.start(vertx, MusterOptions.defaults()), "starting Muster");
        Thread end = Thread.ofVirtual().start(hazelcast::shutdown);
        for (int group = 0; end.isAlive(); group++) {
            Future<JoinedRank> join = muster.join(GroupOptions.of("g" + group, 0, 2));
            try {
                join.await(5, TimeUnit.SECONDS);
            } catch (MusterException failure) {
                assertThat(failure.kind()).as(failure.getMessage()).isEqualTo(MusterException.Kind.FATAL);
            }
        }
        assertThat(fatal(muster.join(GroupOptions.of("late", 0, 2)))).contains("Hazelcast");
    }

    @Test
    void everyCallEndsWhileTheApplicationOccupiesAllWorkers() throws Exception {
        Muster muster = Bounded.await(Muster.start(vertx, MusterOptions.defaults()), "starting Muster");
        var over = new CountDownLatch(1);
        var occupied = new CountDownLatch(WORKERS);
        for (int worker = 0; worker < WORKERS; worker++) {
            var _ = vertx.executeBlocking(
                    () -> {
                        occupied.countDown();
                        return over.await(60, TimeUnit.SECONDS);
                    },
                    false);
        }
        assertThat(occupied.await(20, TimeUnit.SECONDS)).isTrue();
        try {
            JoinedRank rank =
                    Bounded.await(muster.join(GroupOptions.of("g", 0, 1).segment("kv", 64)), "joining the group");
            Bounded.await(rank.allConnected(LONG), "all connected");
            Bounded.await(rank.register("more", 64), "registering");
            Bounded.await(rank.unregister("more"), "unregistering");
            Bounded.await(rank.leave(), "leaving");
            Bounded.await(muster.join(GroupOptions.of("h", 0, 1)), "joining again");
            Bounded.await(muster.close(), "closing Muster");
            Bounded.await(
                    Bounded.await(Muster.start(vertx, MusterOptions.defaults()), "starting again")
                            .close(),
                    "closing again");
        } finally {
            over.countDown();
        }
    }

    @Test
    void anApplicationsVerticleMayOwnMusterFromItsStartToItsStop() throws Exception {
        String owner = Bounded.await(vertx.deployVerticle(new Owner()), "deploying the verticle");
        String bystander = Bounded.await(vertx.deployVerticle(new Bystander()), "deploying the verticle");
        Bounded.await(vertx.undeploy(bystander), "undeploying the verticle");
        vertx.undeploy(owner).await(20, TimeUnit.SECONDS);
        Muster again = Bounded.await(Muster.start(vertx, MusterOptions.defaults()), "starting Muster");
        JoinedRank rank = Bounded.await(again.join(GroupOptions.of("g", 0, 1)), "joining the group");
        assertThat(Bounded.await(rank.allConnected(LONG), "all connected").worldSize())
                .isEqualTo(1);
        Bounded.await(again.close(), "closing Muster again");
        assertThat(vertx.deploymentIDs()).as("verticles that are left").isEmpty();
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
            assertThat(muster.diagnostics().status("g").failed()).isFalse();
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
        String zero = Bounded.await(
                deploy(rank(0).put("segments", new JsonObject().put("kv", 4096))), "deploying the verticle");
        JoinedRank joined = MusterVerticle.joined(vertx, "g", 0).orElseThrow();
        assertThat(joined.segment("kv").byteSize()).isEqualTo(4096);

        String one =
                Bounded.await(deploy(rank(1).put("requireAllConnectedWithinMs", 30_000)), "deploying the verticle");
        assertThat(Bounded.await(joined.allConnected(LONG), "all connected").worldSize())
                .isEqualTo(2);
        JsonObject status = Bounded.await(
                        vertx.eventBus().<JsonObject>request("muster.g.status", new JsonObject()),
                        "the reply on the event bus")
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
                        () -> Bounded.await(
                                vertx.eventBus().request("muster.g.status", new JsonObject()),
                                "the reply on the event bus")))
                .as("nobody answers any more")
                .isNotNull();
    }

    @Test // G-1
    void aVerticleJoinsSeveralGroupsByAList() {
        Bounded.await(
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
                                                .put("worldSize", 1)))),
                "deploying the verticle");
        assertThat(MusterVerticle.joined(vertx, "h", 0)).isPresent();
        assertThat(MusterVerticle.joined(vertx, "g", 1)).isPresent();
    }

    @Test
    void aVerticleThatFailsLeavesTheGroupsItJoined() {
        Throwable late = catchThrowableOfType(
                MusterException.class,
                () -> Bounded.await(deploy(rank(0).put("requireAllConnectedWithinMs", 200)), "deploying the verticle"));
        assertThat(late)
                .hasMessageContaining("not all connected after 200 ms")
                .hasMessageContaining("rank 1: never published");
        assertThat(MusterVerticle.joined(vertx, "g", 0)).isEmpty();
        Bounded.await(
                deploy(new JsonObject()
                        .put("group", "g")
                        .put("rank", 0)
                        .put("worldSize", 1)
                        .put("requireAllConnectedWithinMs", 30_000)),
                "deploying the verticle");
    }

    @Test
    void aSecondMusterOnOneVertxOrMemberFailsWithConfig() throws Exception {
        Muster first = Bounded.await(Muster.start(vertx, MusterOptions.defaults()), "starting Muster");
        assertThat(config(Muster.start(vertx, MusterOptions.defaults())))
                .contains("Muster runs in this Vert.x already", "close it first");
        assertThat(config(deploy(rank(0)))).contains("Muster runs in this Vert.x already", "MusterVerticle");
        Vertx other = Vertx.vertx();
        assertThat(config(Muster.start(other, hazelcast, MusterOptions.defaults())))
                .contains("on this member of Hazelcast already");
        Bounded.await(other.close(), "closing the other Vert.x");
        Bounded.await(first.close(), "closing Muster");
        Bounded.await(deploy(rank(0)), "deploying the verticle");
    }

    @Test
    void aSecondMemberOfTheSameConfigurationFailsWithConfig() {
        var address = hazelcast.getCluster().getLocalMember().getAddress();
        Config same =
                MusterHazelcast.reference().setClusterName(hazelcast.getConfig().getClusterName());
        String id = hazelcast.getCluster().getLocalMember().getAttribute(MusterHazelcast.PROCESS_ID_ATTRIBUTE);
        MusterHazelcast.bindTo(
                MusterHazelcast.applyTo(same, ProcessId.parse(id)), new MusterHazelcast.Bind("127.0.0.1", 0));
        HazelcastInstance second = Hazelcast.newHazelcastInstance(
                MusterHazelcast.join(same, address.getHost() + ":" + address.getPort(), List.of()));
        try {
            assertThat(config(Muster.start(vertx, second, MusterOptions.defaults())))
                    .contains("another member of the cluster has the process id " + id, "MusterHazelcast.applyTo");
        } finally {
            second.getLifecycleService().terminate();
        }
    }

    private static String config(Future<?> future) {
        MusterException failure =
                catchThrowableOfType(MusterException.class, () -> Bounded.await(future, "the failure"));
        assertThat(failure).as("failed by itself").isNotNull();
        assertThat(failure.kind()).as(failure.getMessage()).isEqualTo(MusterException.Kind.CONFIG);
        return failure.getMessage();
    }

    @Test
    void verticlesOfOneVertxAgreeOnTheSettings() {
        Bounded.await(deploy(rank(0)), "deploying the verticle");
        MusterException other = catchThrowableOfType(
                MusterException.class,
                () -> Bounded.await(
                        deploy(rank(1).put(
                                        "muster", new JsonObject().put("liveness", new JsonObject().put("misses", 7)))),
                        "deploying the verticle"));
        assertThat(other.kind()).isEqualTo(MusterException.Kind.CONFIG);
        assertThat(other).hasMessageContaining("liveness.misses is 7 here and 3 there");
        MusterException twice = catchThrowableOfType(
                MusterException.class, () -> Bounded.await(deploy(rank(0)), "deploying the verticle"));
        assertThat(twice).hasMessageContaining("rank 0 of group g has been joined by this process already");
        Bounded.await(
                deploy(rank(1).put("muster", new JsonObject()).put("requireAllConnectedWithinMs", 30_000)),
                "deploying the verticle");
    }

    @Test
    void closingVertxStopsAVerticleInOrder() throws Exception {
        Bounded.await(deploy(rank(0)), "deploying the verticle");
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
