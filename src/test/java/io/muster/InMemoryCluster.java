// SPDX-License-Identifier: Apache-2.0

package io.muster;

import io.muster.bus.Addresses;
import io.muster.cuda.Gpus;
import io.muster.cuda.driver.ShareKind;
import io.muster.fabric.NoFabric;
import io.muster.group.AllConnected;
import io.muster.group.FabricVerdict;
import io.muster.group.GroupName;
import io.muster.group.ProcessId;
import io.muster.options.GroupOptions;
import io.muster.options.MusterOptions;
import io.muster.runtime.Hardware;
import io.muster.runtime.StartDependencies;
import io.muster.store.InMemorySegmentStore;
import io.muster.store.StoreKeys;
import io.muster.testing.TransportFaults;
import io.muster.testing.TransportUnderTest;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.MessageConsumer;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;

/**
 * Several processes of Muster in one JVM, each with a Vert.x of its own, over real sockets, with the store in memory.
 */
final class InMemoryCluster implements AutoCloseable {
    /** How long a test waits for what must happen. */
    static final Duration PATIENCE = Duration.ofSeconds(20);

    private final InMemorySegmentStore.Shared shared = new InMemorySegmentStore.Shared();
    private final List<Process> processes = new ArrayList<>();

    /** One process of Muster. */
    record Process(Vertx vertx, InMemorySegmentStore store, Muster muster) {
        JoinedRank join(String group, int rank, int worldSize) {
            return join(GroupOptions.of(group, rank, worldSize));
        }

        JoinedRank join(GroupOptions options) {
            return Bounded.await(muster.join(options), "joining the group");
        }

        /** The next matching body that this node hears on an address. */
        Future<JsonObject> next(String address, Predicate<JsonObject> wanted) {
            Promise<JsonObject> heard = Promise.promise();
            MessageConsumer<JsonObject> consumer = vertx.eventBus().localConsumer(address);
            consumer.handler(message -> {
                if (wanted.test(message.body())) {
                    heard.tryComplete(message.body());
                }
            });
            return heard.future().onComplete(_ -> consumer.unregister());
        }

        /** Completes when a link of this process reaches this state. */
        Future<JsonObject> link(String group, int rank, int peer, String state) {
            return next(
                    new Addresses(new GroupName(group)).peerState(),
                    body -> body.getInteger("rank") == rank
                            && body.getInteger("peer") == peer
                            && body.getString("to").equals(state));
        }

        Future<JsonObject> degraded(String group) {
            return next(new Addresses(new GroupName(group)).degraded(), _ -> true);
        }
    }

    /** A process with the settings as they come. */
    Process start() {
        return start(new JsonObject());
    }

    Process start(JsonObject settings) {
        return start(settings, StartDependencies.USUAL);
    }

    /** A process whose way to the others fails as the test wishes. */
    Process start(JsonObject settings, TransportFaults faults) {
        return start(settings, StartDependencies.USUAL.with(TransportUnderTest.with(faults)));
    }

    /** A process with these GPUs, and no fabric. */
    Process start(JsonObject settings, Gpus gpus) {
        return start(
                settings,
                new Hardware(
                        new NoFabric(new FabricVerdict.NotAvailable("a test without one")), gpus, ShareKind.POSIX));
    }

    Process start(JsonObject settings, Hardware hardware) {
        return start(settings, StartDependencies.USUAL.with(_ -> hardware));
    }

    private Process start(JsonObject settings, StartDependencies around) {
        Vertx vertx = Vertx.vertx();
        var id = ProcessId.random(RandomGenerator.getDefault());
        InMemorySegmentStore store = shared.store(vertx.getOrCreateContext(), id);
        JsonObject all = new JsonObject()
                .put("flight", new JsonObject().put("keepFiles", 0))
                .mergeIn(settings);
        var process = new Process(
                vertx,
                store,
                Bounded.await(Muster.start(vertx, store, id, MusterOptions.fromJson(all), around), "starting Muster"));
        processes.add(process);
        FlightRecordWhenItFails.register(
                process,
                () -> process.muster().diagnostics().flightRecord().toJson().encodePrettily());
        return process;
    }

    /** Those that were started and have not crashed, in the order of their start. */
    List<Process> processes() {
        return List.copyOf(processes);
    }

    /** Settings with the secret that a file holds. */
    static JsonObject secret(java.nio.file.Path file) {
        return new JsonObject()
                .put(
                        "security",
                        new JsonObject().put("secretFile", file.toString()).put("secretVariable", ""));
    }

    /** Settings with one warmup key. */
    static JsonObject warmup(String key, Object value) {
        return new JsonObject().put("warmup", new JsonObject().put(key, value));
    }

    /** As kill -9 would: its sockets close, its entries stay, nothing is said. */
    void crash(Process process) {
        shared.crash(process.store());
        processes.remove(process);
        FlightRecordWhenItFails.forget(process);
        Bounded.await(process.vertx().close(), "closing Vert.x");
    }

    /** Ends a process in order; its Vert.x stays up until the cluster is closed. */
    void close(Process process) {
        FlightRecordWhenItFails.forget(process);
        Bounded.await(process.muster().close(), "closing Muster");
    }

    /** Who has the store, but none of our manners. */
    InMemorySegmentStore stranger() {
        return shared.store(
                processes.getFirst().vertx().getOrCreateContext(), ProcessId.random(RandomGenerator.getDefault()));
    }

    /** Puts whatever it likes, over whatever is there. */
    static void overwrite(InMemorySegmentStore stranger, String key, StoredBytes value) {
        Eventually.holds(
                key + " is overwritten",
                () -> Bounded.await(
                        stranger.compareAndSet(key, Bounded.await(stranger.get(key), "the stranger's read"), value),
                        "the stranger's write"));
    }

    static void remove(InMemorySegmentStore stranger, String key) {
        for (StoredBytes there = Bounded.await(stranger.get(key), "the stranger's read");
                there != null;
                there = Bounded.await(stranger.get(key), "the stranger's read")) {
            if (Bounded.await(stranger.compareAndSet(key, there, null), "the stranger's write")) {
                return;
            }
        }
    }

    static StoreKeys keys(String group) {
        return new StoreKeys(new GroupName(group));
    }

    InMemorySegmentStore.Shared shared() {
        return shared;
    }

    /**
     * Waits until all ranks are connected in one epoch: one of them may not have heard yet that the last one has ended.
     */
    static AllConnected await(List<JoinedRank> ranks) {
        return Eventually.value(
                        "all ranks are connected in one epoch",
                        PATIENCE,
                        () -> connected(ranks),
                        all -> all.stream().map(AllConnected::epoch).distinct().count() == 1)
                .getFirst();
    }

    private static List<AllConnected> connected(List<JoinedRank> ranks) {
        List<Future<AllConnected>> waits =
                ranks.stream().map(rank -> rank.allConnected(PATIENCE)).toList();
        return waits.stream().map(wait -> Bounded.await(wait, "all connected")).toList();
    }

    static AllConnected await(JoinedRank... ranks) {
        return await(List.of(ranks));
    }

    @Override
    public void close() {
        processes.forEach(FlightRecordWhenItFails::forget);
        processes.forEach(process -> Bounded.await(process.muster().close(), "closing Muster"));
        processes.forEach(process -> Bounded.await(process.vertx().close(), "closing Vert.x"));
        processes.clear();
    }
}
