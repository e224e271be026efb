// SPDX-License-Identifier: Apache-2.0

package io.muster.bench;

import io.muster.launch.ExitCode;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code muster bench memory}: the heap that links take. Two processes host half of a group each, so that each of them
 * has {@code k × k} links to the other one, all of them warmed up over TCP, and {@code k × k} inside itself.
 */
@Command(
        name = "memory",
        mixinStandardHelpOptions = true,
        description =
                "Heap per peer connection: live heap after collections, before the ranks are prepared and when all are connected.")
final class BenchMemoryCommand implements Callable<Integer> {
    @Option(
            names = "--peers",
            paramLabel = "N",
            defaultValue = "1000",
            description = "At least so many connections to ranks of the other process (default: ${DEFAULT-VALUE}).")
    private int peers;

    @Option(names = "--json", description = "One JSON object on standard output and nothing else there.")
    private boolean json;

    @Override
    public Integer call() {
        int ranks = (int) Math.ceil(Math.sqrt(Math.max(1, peers)));
        try (var fleet = new BenchFleet(2, 2 * ranks, Duration.ZERO)) {
            fleet.start();
            long bytes = fleet.heapOfLinks("bench");
            int remote = ranks * ranks;
            var body = new JsonObject()
                    .put("bench", "memory")
                    .put("ranks", 2 * ranks)
                    .put("processes", 2)
                    .put("remoteLinks", remote)
                    .put("localLinks", remote)
                    .put("heapBytes", bytes)
                    .put("bytesPerConnection", bytes / (2 * remote))
                    .put("bytesPerRemoteConnection", bytes / remote);
            if (json) {
                System.out.println(body.encode());
            } else {
                System.out.println("  one process: " + remote + " connections to ranks of another process, " + remote
                        + " to its own ranks");
                System.out.println("  heap that they, " + ranks + " seats, " + 2 * ranks
                        + " entries and marks, and the epoch take: " + bytes + " bytes");
                System.out.println("  per connection: " + bytes / (2 * remote)
                        + " bytes; all of it counted for the remote ones: " + bytes / remote);
            }
        }
        return ExitCode.OK;
    }
}
