// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import io.muster.chaos.ChaosPlan;
import io.muster.chaos.ChaosRun;
import io.muster.group.MusterException;
import io.muster.launch.DemoPlan;
import io.muster.launch.DurationConverter;
import io.muster.launch.EventWriter;
import io.muster.launch.ExitCode;
import io.muster.launch.FreePorts;
import io.muster.options.MusterOptions;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code muster demo}. */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Start a group of ranks as processes of this host, watch them connect, and stop them.",
        footer = {
            "",
            "Exit codes: 0 all connected (--chaos: and everything blamed right), 1 a process failed (--chaos: or not), 2 wrong arguments, 3 not all connected within --deadline."
        })
final class DemoCommand implements Callable<Integer> {
    @Option(
            names = "--ranks",
            paramLabel = "N",
            description = "How many ranks; ${DEFAULT-VALUE} if not given.",
            defaultValue = "4")
    private int ranks;

    @Option(
            names = "--processes",
            paramLabel = "M",
            description = "Over how many processes they are spread; one each if not given.")
    private @Nullable Integer processes;

    @Option(
            names = "--fabric",
            paramLabel = "CLUSTERUUID/CLIQUE",
            description = "A simulated fabric that all belong to.")
    private @Nullable String fabric;

    @Option(names = "--warmup", paramLabel = "MODE", description = "auto, exchange, skip or fabric.")
    private @Nullable String warmup;

    @Option(
            names = "--missing",
            paramLabel = "RANK",
            description = "This rank is never started: shows the report at the deadline.")
    private @Nullable Integer missing;

    @Option(
            names = "--restart",
            paramLabel = "RANK",
            description =
                    "After all-connected, kill -9 this rank's process, start it again, and wait for the next epoch.")
    private @Nullable Integer restart;

    @Option(
            names = "--chaos",
            paramLabel = "SEED",
            description = "After all-connected, kill, stop, continue and restart processes by a schedule"
                    + " of this seed, and compare what was done with what the group says; ends with a verdict.")
    private @Nullable Long chaos;

    @Option(
            names = "--seconds",
            paramLabel = "S",
            description = "How long to do so; ${DEFAULT-VALUE} if not given.",
            defaultValue = "30")
    private int seconds;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "Settings of the processes, of the form of conf/muster.yaml.")
    private @Nullable Path config;

    @Option(
            names = "--deadline",
            paramLabel = "TIME",
            converter = DurationConverter.class,
            description = "How long to wait for all-connected once the processes are up; 20s if not given.")
    private @Nullable Duration deadline;

    @Option(
            names = "--json",
            description = "One JSON object a line on standard output, and nothing else there; the last is the outcome.")
    private boolean json;

    @Option(names = "--keep", description = "Stay up until Ctrl-C.")
    private boolean keep;

    private static final int MAX_SECONDS = 86_400;

    /** Set by the thread that ends the JVM, read by the one that would otherwise call the end a failure. */
    private volatile boolean ending;

    @Override
    public Integer call() {
        DemoPlan plan = plan();
        if (chaos != null) {
            if (missing != null || restart != null || keep || seconds < 1 || seconds > MAX_SECONDS) {
                throw MusterException.config("--chaos goes with --ranks, --processes, --config, --seconds (1 to "
                        + MAX_SECONDS + ") and --json, not with --missing, --restart or --keep");
            }
            return new ChaosRun(
                            new ChaosPlan(
                                    chaos,
                                    plan.ranks(),
                                    plan.processes(),
                                    plan.processes(),
                                    ChaosRun.limitMs(config),
                                    plan.settings()),
                            Duration.ofSeconds(seconds),
                            new EventWriter(System.out, json))
                    .run();
        }
        var events = new EventWriter(System.out, json);
        var progress = new ProgressLine(System.out, ProgressLine.Kind.of(json));
        try (var demo = new Demo(plan, FreePorts.choose(plan.seats().size(), new SecureRandom()), events, progress)) {
            Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(() -> end(demo)));
            int code = demo.run();
            if (keep && code == ExitCode.OK) {
                demo.keep();
            }
            return code;
        } catch (RuntimeException e) {
            if (ending) {
                // it failed because the JVM is being ended, whose own exit code stands
                return ExitCode.OK;
            }
            events.event(
                    "outcome",
                    new JsonObject()
                            .put("outcome", "failed")
                            .put("exitCode", ExitCode.FAILED)
                            .put("reason", e.getMessage()));
            throw e;
        }
    }

    private void end(Demo demo) {
        ending = true;
        demo.close();
    }

    private DemoPlan plan() {
        List<String> settings = new ArrayList<>(config == null ? List.of() : List.of("--config", config.toString()));
        var json = new JsonObject();
        if (warmup != null) {
            settings.addAll(List.of("--warmup", warmup));
            json.put("mode", warmup);
        }
        if (fabric != null) {
            settings.addAll(List.of("--fabric", fabric));
            json.put("fabric", fabric);
        }
        MusterOptions.fromJson(new JsonObject().put("warmup", json));
        Duration limit = deadline != null ? deadline : Duration.ofSeconds(20);
        return new DemoPlan(
                ranks,
                processes != null ? processes : Math.clamp(ranks, 1, DemoPlan.MAX_PROCESSES),
                missing,
                restart,
                limit,
                settings);
    }
}
