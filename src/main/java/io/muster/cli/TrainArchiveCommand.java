// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import io.muster.JoinedRank;
import io.muster.PreparedRank;
import io.muster.bus.Addresses;
import io.muster.cluster.ControlAddress;
import io.muster.group.GroupName;
import io.muster.launch.ExitCode;
import io.muster.launch.LaunchedProcess;
import io.muster.options.GroupOptions;
import io.muster.options.MusterOptions;
import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/**
 * Runs the code that real processes run, so that the JVM can record which classes they load and which methods are hot.
 * Two processes of Muster in this JVM, each with its control port, Hazelcast and Vert.x, form a cluster over loopback
 * and connect one small group after the other. The launcher runs it after a build to make the archive. Code that it
 * does not run still works, and is slower at first.
 */
@Command(
        name = "train-archive",
        hidden = true,
        description = "Run the code of a real start, for the archive of the launcher.")
final class TrainArchiveCommand implements Callable<Integer> {
    /** Ends a recording that hangs. The launcher then starts without an archive. */
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private static final String SEGMENT = "train";
    private static final int RANKS = 4;
    private static final int ROUNDS = 40;

    @Override
    public Integer call() {
        MusterOptions options = MusterOptions.fromJson(new JsonObject()
                .put("endpoint", new JsonObject().put("controlPort", 0))
                .put("hazelcast", new JsonObject().put("port", 0)));
        try (LaunchedProcess one = LaunchedProcess.open(options);
                LaunchedProcess two = LaunchedProcess.open(options)) {
            List<ControlAddress> members = List.of(one.controlAddress(), two.controlAddress());
            Thread second = Thread.ofPlatform().daemon().start(() -> two.start(options, members));
            one.start(options, members);
            second.join();
            for (int round = 0; round < ROUNDS; round++) {
                connect(List.of(one, two), "train-" + round);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return ExitCode.FAILED;
        }
        return ExitCode.OK;
    }

    private static void connect(List<LaunchedProcess> processes, String group) {
        processes.forEach(process -> process.vertx()
                .eventBus()
                .<JsonObject>localConsumer(
                        new Addresses(new GroupName(group)).peerState(),
                        message -> message.body().encode()));
        List<Future<PreparedRank>> prepared = new ArrayList<>();
        for (int rank = 0; rank < RANKS; rank++) {
            prepared.add(processes
                    .get(rank * processes.size() / RANKS)
                    .muster()
                    .prepare(GroupOptions.of(group, rank, RANKS).segment(SEGMENT, Long.BYTES)));
        }
        Future.all(prepared).await();
        List<JoinedRank> ranks = Future.all(
                        prepared.stream().map(rank -> rank.result().publish()).toList())
                .await()
                .list();
        Future.all(ranks.stream().map(rank -> rank.allConnected(LIMIT)).toList())
                .await();
        MemorySegment source = Arena.ofAuto().allocate(Long.BYTES);
        ranks.getLast().write(0, SEGMENT, 0, source).await();
        processes.getFirst().muster().diagnostics().status(group).await();
        Future.all(ranks.stream().map(JoinedRank::leave).toList()).await();
    }
}
