// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import io.muster.chaos.ChaosPlan;
import io.muster.chaos.ChaosRun;
import io.muster.group.MusterException;
import io.muster.launch.DemoPlan;
import io.muster.launch.DurationConverter;
import io.muster.launch.EndSignals;
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
        description = "Starts a group of ranks as processes on this host, shows how they connect, and stops them.",
        footer = {
            "",
            "Exit codes: 0 all connected, or ended by Ctrl-C or SIGTERM, 1 a process failed, 2 wrong arguments or settings, 3 not all connected "
                    + "within --deadline.",
            "With --chaos: 0 every fault blamed right, no rank wrongly, all connected at the end; 1 otherwise; 2 wrong "
                    + "arguments or settings."
        })
final class DemoCommand implements Callable<Integer> {
    @Option(
            names = "--ranks",
            paramLabel = "N",
            description = "Number of ranks (default: ${DEFAULT-VALUE}).",
            defaultValue = "4")
    private int ranks;

    @Option(
            names = "--processes",
            paramLabel = "M",
            description = "Number of processes, over which the ranks are spread (default: one per rank).")
    private @Nullable Integer processes;

    @Option(
            names = "--fabric",
            paramLabel = "CLUSTERUUID/CLIQUE",
            description = "Simulated fabric that all processes belong to.")
    private @Nullable String fabric;

    @Option(
            names = "--warmup",
            paramLabel = "MODE",
            description = "How links are proven: auto, exchange, skip or fabric (warmup.mode).")
    private @Nullable String warmup;

    @Option(
            names = "--missing",
            paramLabel = "RANK",
            description = "Never start this rank, which shows the report at the deadline.")
    private @Nullable Integer missing;

    @Option(
            names = "--restart",
            paramLabel = "RANK",
            description =
                    "After all-connected, kill the process of this rank (kill -9), start it again, and wait for the "
                            + "next epoch.")
    private @Nullable Integer restart;

    @Option(
            names = "--chaos",
            paramLabel = "SEED",
            description =
                    "After all-connected, kill, stop, continue and restart processes by a schedule from this seed."
                            + " Compares each fault with what the group reports, and ends with a verdict.")
    private @Nullable Long chaos;

    @Option(
            names = "--seconds",
            paramLabel = "S",
            description = "Duration of --chaos in seconds (default: ${DEFAULT-VALUE}).",
            defaultValue = "30")
    private int seconds;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "Settings file of the processes, in the form of conf/muster.yaml.")
    private @Nullable Path config;

    @Option(
            names = "--deadline",
            paramLabel = "TIME",
            converter = DurationConverter.class,
            description = "Limit of the wait for all-connected, from the moment at which the processes are up, such as "
                    + "500ms, 20s or 2m (default: 20s).")
    private @Nullable Duration deadline;

    @Option(
            names = "--json",
            description =
                    "Print one JSON object per line on standard output, and nothing else. The last one is the outcome.")
    private boolean json;

    @Option(names = "--keep", description = "Keep the group running after all-connected, until Ctrl-C.")
    private boolean keep;

    /** One day. */
    private static final int MAX_SECONDS = 86_400;

    /** Set by the shutdown hook; read by the main thread, where an ending JVM makes the demo fail. */
    private volatile boolean ending;

    @Override
    public Integer call() {
        DemoPlan plan = plan();
        if (chaos != null) {
            if (missing != null || restart != null || keep || seconds < 1 || seconds > MAX_SECONDS) {
                throw MusterException.config(
                        "--chaos can't be combined with --missing, --restart or --keep, and --seconds must be 1 to "
                                + MAX_SECONDS + ", got " + seconds);
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
        var view = LiveView.on(System.out, LiveView.Kind.of(json));
        try (var demo = new Demo(plan, FreePorts.choose(plan.seats().size(), new SecureRandom()), events, view)) {
            Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(() -> end(demo)));
            EndSignals.endInOrder();
            int code = demo.run();
            if (keep && code == ExitCode.OK) {
                demo.keep();
            }
            return code;
        } catch (RuntimeException e) {
            if (ending) {
                // the demo failed because the JVM is ending, which has the exit code already
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
        Duration limit = deadline != null ? deadline : Duration.ofSeconds(20); // as the help says
        return new DemoPlan(
                ranks,
                processes != null ? processes : Math.clamp(ranks, 1, DemoPlan.MAX_PROCESSES),
                missing,
                restart,
                limit,
                settings);
    }
}
