// SPDX-License-Identifier: Apache-2.0

package io.muster;

import com.hazelcast.config.Config;
import com.hazelcast.core.LifecycleEvent.LifecycleState;
import io.muster.cluster.ClusterFormation;
import io.muster.cluster.ClusterMember;
import io.muster.cluster.ControlAddress;
import io.muster.cluster.ControlPort;
import io.muster.group.ProcessId;
import io.muster.options.MusterHazelcast;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Scanner;

/**
 * A process with a clustered Vert.x and one consumer on its event bus, for tests that need real ones. It reads commands
 * from standard input ({@code publish TEXT}, {@code stop}) and writes events to standard output. After {@code stop} it
 * closes Vert.x and its member and returns from {@code main}: only threads that somebody left behind can keep the JVM
 * alive.
 */
public final class VertxNode {
    private static final String ADDRESS = "fit";

    private VertxNode() {}

    /** Arguments: cluster name, own control address, member list. */
    public static void main(String[] arguments) {
        ClusterMember.Settings settings = new ClusterMember.Settings(
                ProcessId.random(new SecureRandom()),
                ControlAddress.parseList(arguments[2]),
                new MusterHazelcast.Bind("127.0.0.1", 0),
                () -> config(arguments[0]),
                new ClusterFormation.Settings(Duration.ofSeconds(40), Duration.ofSeconds(3)));
        try (ControlPort port = ControlPort.open(ControlAddress.parse(arguments[1]), ControlPort.Limits.DEFAULT);
                ClusterMember member = ClusterMember.start(port, settings)) {
            member.hazelcast().getLifecycleService().addLifecycleListener(event -> {
                if (event.getState() == LifecycleState.MERGED) {
                    say("merged .");
                }
            });
            Vertx vertx = member.buildVertx(new VertxOptions()).await();
            vertx.eventBus()
                    .<String>consumer(ADDRESS, message -> say("received " + message.body()))
                    .completion()
                    .await();
            say("up " + member.hazelcast().getCluster().getMembers().size());
            Scanner in = new Scanner(System.in);
            for (String line = ""; !line.equals("stop") && in.hasNextLine(); ) {
                line = in.nextLine();
                if (line.startsWith("publish ")) {
                    vertx.eventBus().publish(ADDRESS, line.substring("publish ".length()));
                } else if (line.equals("size")) {
                    say("size " + member.hazelcast().getCluster().getMembers().size());
                }
            }
            vertx.close().await();
        }
        say("closed .");
    }

    private static Config config(String clusterName) {
        return MusterHazelcast.reference()
                .setClusterName(clusterName)
                .setProperty("hazelcast.max.no.heartbeat.seconds", "3")
                .setProperty("hazelcast.merge.first.run.delay.seconds", "1")
                .setProperty("hazelcast.merge.next.run.delay.seconds", "1");
    }

    private static void say(String line) {
        System.out.println(line);
    }
}
