// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import io.muster.JoinedRank;
import io.muster.Muster;
import io.muster.bus.Addresses;
import io.muster.cluster.ControlAddress;
import io.muster.group.AllConnected;
import io.muster.group.GroupName;
import io.muster.launch.LaunchedProcess;
import io.muster.options.GroupOptions;
import io.muster.options.MusterOptions;
import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.List;
import java.util.Scanner;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A process with ranks of two groups, for a test. It reads and prints lines. Arguments: number of the process, control
 * addresses of all processes.
 */
public final class TwoGroupsNode {
    private TwoGroupsNode() {}

    public static void main(String[] arguments) throws Exception {
        int index = Integer.parseInt(arguments[0]);
        List<ControlAddress> members = ControlAddress.parseList(arguments[1]);
        MusterOptions options = MusterOptions.fromJson(new JsonObject()
                .put(
                        "endpoint",
                        new JsonObject().put("controlPort", members.get(index).port()))
                .put("hazelcast", new JsonObject().put("port", 0)));
        try (LaunchedProcess process = LaunchedProcess.open(options)) {
            process.start(options, members);
            for (String group : List.of("small", "large")) {
                Set<Long> told = ConcurrentHashMap.newKeySet();
                process.vertx()
                        .eventBus()
                        .<JsonObject>localConsumer(new Addresses(new GroupName(group)).degraded(), message -> {
                            if (told.add(message.body().getLong("epoch"))) {
                                System.out.println("degraded-" + group + " "
                                        + message.body().getLong("epoch"));
                            }
                        });
            }
            Muster muster = process.muster();
            JoinedRank small = join(muster, "small", index, 2);
            List<JoinedRank> large = index == 0
                    ? List.of(join(muster, "large", 0, 3), join(muster, "large", 1, 3))
                    : List.of(join(muster, "large", 2, 3));
            tell(small);
            tell(large.getFirst());
            Scanner in = new Scanner(System.in);
            while (in.hasNextLine()) {
                switch (in.nextLine()) {
                    case "wait" -> {
                        tell(small);
                        tell(large.getFirst());
                    }
                    case "leave-and-join" -> {
                        small.leave().await();
                        small = join(muster, "small", index, 2);
                        tell(small);
                    }
                    default -> System.exit(0);
                }
            }
        }
        System.exit(0);
    }

    private static JoinedRank join(Muster muster, String group, int rank, int worldSize) {
        return muster.join(GroupOptions.of(group, rank, worldSize)).await();
    }

    private static void tell(JoinedRank rank) {
        Future<AllConnected> waited = rank.allConnected(Duration.ofSeconds(60));
        AllConnected connected = waited.await();
        System.out.println("connected-" + connected.group() + " " + connected.epoch() + " " + connected.worldSize()
                + " " + connected.links());
    }
}
