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

/** {@code muster bench connect}: how long from the last publish until every rank knows that all are connected. */
@Command(
        name = "connect",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "How long until every rank knows that all are connected, from the last publish (cold: from the start of the last process).",
        footer = {
            "",
            "hot      processes are up, in the cluster, and have prepared their ranks; all publish at once; every round dials anew",
            "late     all but one rank have been waiting for --waiting, then the last one publishes",
            "restart  one process is killed (kill -9), a new one is started; from its publish until all know",
            "cold     all processes are started at once; from the start of the last one",
            "",
            "The first round is shown apart, since its processes have never connected to each other before (restart: all rounds are alike)."
        })
final class BenchConnectCommand implements Callable<Integer> {
    /** What is measured. */
    enum Mode {
        HOT,
        LATE,
        RESTART,
        COLD;

        @Override
        public String toString() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    @Option(
            names = "--processes",
            paramLabel = "P",
            defaultValue = "2",
            description = "How many processes (default: ${DEFAULT-VALUE}).")
    private int processes;

    @Option(names = "--ranks", paramLabel = "N", description = "How many ranks, spread over them (default: one each).")
    private int ranks;

    @Option(
            names = "--rounds",
            paramLabel = "K",
            defaultValue = "10",
            description = "How many rounds (default: ${DEFAULT-VALUE}).")
    private int rounds;

    @Option(
            names = "--mode",
            paramLabel = "MODE",
            defaultValue = "hot",
            description = "hot, late, restart or cold (default: ${DEFAULT-VALUE}).")
    private Mode mode = Mode.HOT;

    @Option(
            names = "--waiting",
            paramLabel = "TIME",
            converter = DurationConverter.class,
            defaultValue = "5s",
            description = "late: how long the others have been waiting (default: ${DEFAULT-VALUE}).")
    private Duration waiting = Duration.ofSeconds(5);

    @Option(
            names = "--join",
            description =
                    "late: the last rank has prepared nothing and joins in one go, so that its memory, its first read and its dials are in the time.")
    private boolean inOneGo;

    @Option(
            names = "--prime",
            paramLabel = "TIME",
            converter = DurationConverter.class,
            defaultValue = "60s",
            description =
                    "hot, late, restart: how long the processes rehearse before they count as up (not those that are started anew); 0s: as 'run' does (default: ${DEFAULT-VALUE}).")
    private Duration prime = Duration.ofSeconds(60);

    @Option(names = "--secret", description = "The groups have a secret, made anew.")
    private boolean secret;

    @Option(names = "--json", description = "One JSON object on standard output and nothing else there.")
    private boolean json;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        int worldSize = ranks == 0 ? processes : ranks;
        require(processes >= 1 && processes <= 64, "--processes must be 1 to 64, got " + processes);
        require(
                worldSize >= processes && worldSize <= 4096,
                "--ranks must be " + processes + " (one a process) to 4096, got " + worldSize);
        require(rounds >= 1 && rounds <= 10_000, "--rounds must be 1 to 10000, got " + rounds);
        require(
                mode != Mode.RESTART || processes >= 2,
                "--mode restart needs 2 processes or more: somebody must see the loss");
        require(mode != Mode.LATE || worldSize >= 2, "--mode late needs 2 ranks or more");
        require(mode == Mode.LATE || !inOneGo, "--join belongs to --mode late");
        var events = new EventWriter(System.out, json);
        try (var made = secret ? BenchSecret.make() : null;
                var fleet = new BenchFleet(processes, worldSize, mode == Mode.COLD ? Duration.ZERO : prime, made)) {
            tell(run(fleet, events), worldSize);
        }
        return ExitCode.OK;
    }

    private BenchRounds run(BenchFleet fleet, EventWriter events) {
        var measured = new BenchRounds(mode);
        if (mode != Mode.COLD) {
            fleet.start();
        }
        if (mode == Mode.RESTART) {
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

    private void tell(BenchRounds measured, int worldSize) {
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
