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
                "Measures writes from one process into the memory of another: the time until a write of 8 bytes is "
                        + "known to be applied, and the throughput of writes of 1 MiB and 64 MiB.",
        footer = {"", "Exit codes: 0 measured, 1 failed, 2 wrong arguments."})
final class BenchTransferCommand implements Callable<Integer> {
    @Option(names = "--json", description = "Print one JSON object on standard output, and nothing else.")
    private boolean json;

    @Override
    public Integer call() {
        try (var fleet = new BenchFleet(2, 2, Duration.ZERO)) {
            fleet.start();
            JsonObject measured = fleet.transfer(BenchTransfer.GROUP);
            measured.remove("event");
            if (json) {
                System.out.println(new JsonObject()
                        .put("bench", "transfer")
                        .mergeIn(measured)
                        .encode());
            } else {
                List.of(
                                "write8MedianUs",
                                "write8P90Us",
                                "write8MinUs",
                                "write1MiBMedianMs",
                                "write1MiBPerS",
                                "write64MiBMedianMs",
                                "write64MiBPerS")
                        .forEach(field -> System.out.printf("  %-20s %s%n", field, measured.getValue(field)));
            }
        }
        return ExitCode.OK;
    }
}
