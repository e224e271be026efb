// SPDX-License-Identifier: Apache-2.0

package io.muster.bench;

import io.muster.launch.ExitCode;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code muster bench transfer}: writes from one process into the memory of another. */
@Command(
        name = "transfer",
        mixinStandardHelpOptions = true,
        description =
                "Write into another process's memory: 8 bytes until they are known to be applied, and how much a second in large writes.")
final class BenchTransferCommand implements Callable<Integer> {
    @Option(names = "--json", description = "One JSON object on standard output and nothing else there.")
    private boolean json;

    @Override
    public Integer call() {
        try (var fleet = new BenchFleet(2, 2, Duration.ZERO)) {
            fleet.start();
            JsonObject told = fleet.transfer(BenchTransfer.GROUP);
            told.remove("event");
            if (json) {
                System.out.println(
                        new JsonObject().put("bench", "transfer").mergeIn(told).encode());
            } else {
                List.of(
                                "write8MedianUs",
                                "write8P90Us",
                                "write8MinUs",
                                "write1MiBMedianMs",
                                "write1MiBPerS",
                                "write64MiBMedianMs",
                                "write64MiBPerS")
                        .forEach(field -> System.out.printf("  %-20s %s%n", field, told.getValue(field)));
            }
        }
        return ExitCode.OK;
    }
}
