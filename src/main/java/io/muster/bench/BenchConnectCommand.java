// SPDX-License-Identifier: Apache-2.0

package io.muster.bench;

import io.muster.launch.DurationConverter;
import io.muster.launch.EventWriter;
import io.muster.launch.ExitCode;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code muster bench connect}: the time from the last publish until every rank knows that all are connected. */
@Command(
        name = "connect",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Measures the time from the last publish until every rank knows that all ranks are connected (mode "
                        + "cold: from the start of the last process).",
        footer = {
            "",
            "Modes:",
            "  hot      The processes are up, in one cluster, and have prepared their",
            "           ranks. All ranks publish at once.",
            "  late     All ranks but one have published. After --waiting, the last one",
            "           publishes.",
            "  restart  One process is killed (kill -9) and a new one started. The time",
            "           counts from the publish of the new process.",
            "  cold     All processes are started at once. The time counts from the start of",
            "           the last one.",
            "",
            "Every round uses new connections. The first round is reported apart, because its processes have never "
                    + "connected to each other before (restart: all rounds are alike).",
            "",
            "Exit codes: 0 measured, 1 failed, 2 wrong arguments."
        })
final class BenchConnectCommand implements Callable<Integer> {
    @Option(
            names = "--processes",
            paramLabel = "P",
            defaultValue = "2",
            description = "Number of processes, 1 to 64 (default: ${DEFAULT-VALUE}).")
    private int processes;

    @Option(
            names = "--ranks",
            paramLabel = "N",
            description = "Number of ranks, spread over the processes (default: one per process).")
    private int ranks;

    @Option(
            names = "--rounds",
            paramLabel = "K",
            defaultValue = "10",
            description = "Number of rounds (default: ${DEFAULT-VALUE}).")
    private int rounds;

    @Option(
            names = "--mode",
            paramLabel = "MODE",
            defaultValue = "hot",
            description = "hot, late, restart or cold (default: ${DEFAULT-VALUE}).")
    private BenchMode mode = BenchMode.HOT;

    @Option(
            names = "--waiting",
            paramLabel = "TIME",
            converter = DurationConverter.class,
            defaultValue = "5s",
            description = "late: how long the other ranks wait before the last one publishes, such as 500ms, 5s or 2m "
                    + "(default: ${DEFAULT-VALUE}).")
    private Duration waiting = Duration.ofSeconds(5);

    @Option(
            names = "--join",
            description =
                    "late: the last rank is not prepared, so the time includes allocating its memory, its first read "
                            + "of the store and its dials.")
    private boolean inOneGo;

    @Option(
            names = "--prime",
            paramLabel = "TIME",
            converter = DurationConverter.class,
            defaultValue = "60s",
            description =
                    "hot, late, restart: how long the processes rehearse before the first round; 0s: as long as 'run' "
                            + "does. Processes that a restart starts rehearse as long as 'run' does (default: "
                            + "${DEFAULT-VALUE}).")
    private Duration prime = Duration.ofSeconds(60);

    @Option(names = "--secret", description = "Protect the groups with a group secret that is generated for this run.")
    private boolean secret;

    @Option(names = "--json", description = "Print one JSON object on standard output, and nothing else.")
    private boolean json;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        int worldSize = ranks == 0 ? processes : ranks;
        require(processes >= 1 && processes <= 64, "--processes must be 1 to 64, got " + processes);
        require(
                worldSize >= processes && worldSize <= 4096,
                "--ranks must be " + processes + " (one per process) to 4096, got " + worldSize);
        require(rounds >= 1 && rounds <= 10_000, "--rounds must be 1 to 10000, got " + rounds);
        require(
                mode != BenchMode.RESTART || processes >= 2,
                "--mode restart needs 2 processes or more, so that one of them detects the loss of the other");
        require(
                mode != BenchMode.LATE || worldSize >= 2,
                "--mode late needs 2 ranks or more, one that waits and one that is late");
        require(mode == BenchMode.LATE || !inOneGo, "--join belongs to --mode late, and the mode is " + mode);
        var events = new EventWriter(System.out, json);
        try (var made = secret ? BenchSecret.make() : null;
                var fleet =
                        new BenchFleet(processes, worldSize, mode == BenchMode.COLD ? Duration.ZERO : prime, made)) {
            print(run(fleet, events), worldSize);
        }
        return ExitCode.OK;
    }

    private BenchRounds run(BenchFleet fleet, EventWriter events) {
        var measured = new BenchRounds(mode);
        if (mode != BenchMode.COLD) {
            fleet.start();
        }
        if (mode == BenchMode.RESTART) {
            fleet.form("bench");
        }
        for (int round = 0; round < rounds; round++) {
            BenchRounds.Round done = switch (mode) {
                case HOT -> fleet.hot("bench-" + round);
                case LATE -> fleet.late("bench-" + round, round, waiting, inOneGo);
                case RESTART -> fleet.restart("bench", round);
                case COLD -> fleet.cold("bench");
            };
            measured.add(done);
            events.text("round " + (round + 1) + ": " + done.text());
        }
        return measured;
    }

    private void print(BenchRounds measured, int worldSize) {
        JsonObject body = new JsonObject()
                .put("bench", "connect")
                .put("mode", mode.toString())
                .put("ranks", worldSize)
                .put("processes", processes)
                .put("rounds", rounds)
                .put("secret", secret)
                .mergeIn(measured.toJson());
        if (json) {
            System.out.println(body.encode());
            return;
        }
        System.out.printf(
                "%nbench connect mode=%s ranks=%d processes=%d rounds=%d secret=%b%n",
                mode, worldSize, processes, rounds, secret);
        List.of("firstMs", "medianMs", "p90Ms", "minMs", "maxMs", "degradedLocalMs", "degradedClusterMs").stream()
                .filter(body::containsKey)
                .forEach(field -> System.out.printf("  %-18s %s%n", field, body.getDouble(field)));
        System.out.printf(
                "  %-18s %s%n", "phasesMs", body.getJsonObject("phasesMs").encode());
    }

    private void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new ParameterException(spec.commandLine(), otherwise);
        }
    }
}
