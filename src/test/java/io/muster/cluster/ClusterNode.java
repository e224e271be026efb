// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import com.hazelcast.cluster.Cluster;
import com.hazelcast.cluster.Member;
import com.hazelcast.cluster.MembershipEvent;
import com.hazelcast.cluster.MembershipListener;
import com.hazelcast.config.Config;
import com.hazelcast.core.LifecycleEvent.LifecycleState;
import io.muster.group.ProcessId;
import io.muster.options.MusterHazelcast;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Arrays;
import java.util.Scanner;
import java.util.stream.Collectors;

/**
 * One process of a cluster, as the launcher starts it, for tests that need real ones. Speaks by lines on standard input
 * and output.
 */
public final class ClusterNode {
    private ClusterNode() {}

    /** Arguments: cluster name, own control address, member list, then properties of Hazelcast as name=value. */
    public static void main(String[] arguments) {
        ClusterMember.Settings settings = new ClusterMember.Settings(
                ProcessId.random(new SecureRandom()),
                ControlAddress.parseList(arguments[2]),
                new MusterHazelcast.Bind("127.0.0.1", 0),
                () -> config(arguments[0], Arrays.copyOfRange(arguments, 3, arguments.length)),
                new ClusterFormation.Settings(Duration.ofSeconds(40), Duration.ofSeconds(3)));
        long startNanos = System.nanoTime();
        try (ControlPort port = ControlPort.open(ControlAddress.parse(arguments[1]), ControlPort.Limits.DEFAULT);
                ClusterMember member = ClusterMember.start(port, settings)) {
            say("member " + System.currentTimeMillis() + " " + (System.nanoTime() - startNanos) / 1_000_000);
            member.hazelcast().getLifecycleService().addLifecycleListener(event -> {
                if (event.getState() == LifecycleState.MERGED) {
                    say("merged "
                            + member.hazelcast().getCluster().getLocalMember().getUuid());
                }
            });
            Cluster cluster = member.hazelcast().getCluster();
            cluster.addMembershipListener(new Announcer(cluster));
            announce(cluster);
            Scanner in = new Scanner(System.in);
            while (in.hasNextLine() && !in.nextLine().equals("stop")) {
                announce(cluster);
            }
        }
        say("stopped .");
        System.exit(0);
    }

    private static Config config(String clusterName, String[] properties) {
        Config config = MusterHazelcast.reference().setClusterName(clusterName);
        for (String property : properties) {
            String[] pair = property.split("=", 2);
            config.setProperty(pair[0], pair[1]);
        }
        return config;
    }

    private static void announce(Cluster cluster) {
        say("size-" + cluster.getMembers().size() + " "
                + cluster.getMembers().stream()
                        .map(Member::getUuid)
                        .map(String::valueOf)
                        .sorted()
                        .collect(Collectors.joining(",")));
    }

    private static void say(String line) {
        System.out.println(line);
    }

    private record Announcer(Cluster cluster) implements MembershipListener {
        @Override
        public void memberAdded(MembershipEvent event) {
            announce(cluster);
        }

        @Override
        public void memberRemoved(MembershipEvent event) {
            announce(cluster);
        }
    }
}
