// SPDX-License-Identifier: Apache-2.0

package io.muster.chaos;

import io.muster.cluster.ControlClient;
import io.muster.group.MusterException;
import io.muster.launch.DemoPlan;
import io.muster.launch.EventWriter;
import io.muster.launch.ExitCode;
import io.muster.launch.GroupProcesses;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code muster soak}: faults for a long time while ranks write, and the verdict. */
@Command(
        name = "soak",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Injects faults into a group of real processes for a long time, and judges what the group reports.",
            "",
            "The faults are rolling restarts, kills, stops, and two at once. Meanwhile every rank writes into the next "
                    + "one without pause. At the end the resources of the processes are compared with those at the "
                    + "beginning."
        },
        footer = {
            "",
            "The last process is never ended, so that growth in it can be measured. Every process is a member of the "
                    + "store.",
            "",
            "Exit codes: 0 every fault blamed right, no rank wrongly, all connected at the end, nothing grown, or "
                    + "ended by Ctrl-C or SIGTERM; 1 "
                    + "otherwise, or a process failed; 2 wrong arguments."
        })
public final class SoakCommand implements Callable<Integer> {
    /** Number of random faults between two rolling restarts. */
    private static final int FAULTS_A_ROUND = 8;
    /** Pause before resources are counted, until those that are not needed any more are closed. */
    private static final long SETTLE_MS = 8_000;

    /** A process that runs answers in milliseconds, on a busy host in a second. */
    private static final Duration ASK = Duration.ofSeconds(5);

    @Option(
            names = "--minutes",
            paramLabel = "M",
            defaultValue = "10",
            description = "Duration in minutes, 1 to 10080 (default: ${DEFAULT-VALUE}).")
    private int minutes;

    @Option(
            names = "--ranks",
            paramLabel = "N",
            defaultValue = "4",
            description = "Number of ranks (default: ${DEFAULT-VALUE}).")
    private int ranks;

    @Option(
            names = "--processes",
            paramLabel = "P",
            description = "Number of processes, 3 or more, over which the ranks are spread (default: one per rank).")
    private @Nullable Integer processes;

    @Option(
            names = "--seed",
            paramLabel = "SEED",
            defaultValue = "1",
            description = "Seed of the schedule of faults (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Option(
            names = "--write",
            paramLabel = "BYTES",
            defaultValue = "1048576",
            description = "Size of each write in bytes; 0: no writes (default: ${DEFAULT-VALUE}).")
    private long writeBytes;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "Settings file of the processes, in the form of conf/muster.yaml.")
    private @Nullable Path config;

    @Option(
            names = "--json",
            description =
                    "Print one JSON object per line on standard output, and nothing else. The last one is the summary.")
    private boolean json;

    @Override
    public Integer call() {
        int places = processes != null ? processes : Math.min(ranks, DemoPlan.MAX_PROCESSES);
        if (minutes < 1 || minutes > 10_080 || writeBytes < 0 || writeBytes > 1 << 30) {
            throw MusterException.config("--minutes must be 1 to 10080, got " + minutes + "; --write must be 0 to "
                    + (1 << 30) + " bytes, got " + writeBytes);
        }
        List<String> settings = new ArrayList<>(config == null ? List.of() : List.of("--config", config.toString()));
        if (writeBytes > 0) {
            settings.addAll(List.of("--traffic", String.valueOf(writeBytes)));
        }
        var plan = new ChaosPlan(seed, ranks, places, places - 1, ChaosRun.limitMs(config), settings);
        var events = new EventWriter(System.out, json);
        return ChaosRun.during(plan, events, chaos -> soak(chaos, plan, events));
    }

    private int soak(Chaos chaos, ChaosPlan plan, EventWriter events) {
        var random = new SplittableRandom(seed);
        boolean connected = chaos.start();
        chaos.listen(SETTLE_MS);
        Holdings first = Holdings.of(chaos.processes().controls());
        boolean warm = false;
        var written = new Written();
        long endNanos = System.nanoTime() + Duration.ofMinutes(minutes).toNanos();
        while (connected && System.nanoTime() - endNanos < 0) {
            List<ChaosFault> round = new ArrayList<>(ChaosFault.rollingRestart(plan.spared()));
            for (int i = 0; i < FAULTS_A_ROUND; i++) {
                round.add(ChaosFault.next(random, plan.processes(), plan.spared(), plan.limitMs()));
            }
            for (ChaosFault fault : round) {
                if (connected && System.nanoTime() - endNanos < 0) {
                    written.before(fault, chaos.processes());
                    connected = chaos.run(fault);
                    chaos.listen(random.nextInt(200, 2_000));
                }
            }
            if (connected && !warm && System.nanoTime() - endNanos < 0) {
                // pools of threads and buffers are filled in the first round
                chaos.listen(SETTLE_MS);
                first = Holdings.of(chaos.processes().controls());
                warm = true;
            }
        }
        chaos.listen(SETTLE_MS);
        written.last(chaos.processes());
        return verdict(
                chaos,
                connected,
                new Summary(first, Holdings.of(chaos.processes().controls()), written),
                events);
    }

    private record Summary(Holdings first, Holdings last, Written written) {}

    private int verdict(Chaos chaos, boolean connected, Summary summary, EventWriter events) {
        JsonObject judged = chaos.ledger().toJson();
        List<String> grown = summary.first().grown(summary.last());
        boolean right = connected && chaos.ledger().isRight() && grown.isEmpty();
        chaos.say(ChaosRun.text(judged, chaos, connected));
        chaos.say("store members killed: " + chaos.ledger().killed() + ", "
                + summary.written().text());
        summary.first().lines(summary.last()).forEach(chaos::say);
        chaos.say("grown: " + (grown.isEmpty() ? "nothing" : String.join("; ", grown)));
        events.event(
                "outcome",
                new JsonObject()
                        .put("outcome", right ? "all-blamed-right" : "wrong")
                        .put("exitCode", right ? ExitCode.OK : ExitCode.FAILED)
                        .put("seed", seed)
                        .put("minutes", minutes)
                        .put("allConnected", connected)
                        .put("epoch", chaos.epoch())
                        .mergeIn(judged)
                        .put("storeMembersKilled", chaos.ledger().killed())
                        .put("written", summary.written().toJson())
                        .put("grown", new JsonArray(grown))
                        .put("first", summary.first().toJson())
                        .put("last", summary.last().toJson()));
        return right ? ExitCode.OK : ExitCode.FAILED;
    }

    /** The writes of all processes, including those that have ended. */
    private static final class Written {
        private long writes;
        private long bytes;
        private long failures;

        /** Reads the counters of processes that the fault ends, because their counters end with them. */
        void before(ChaosFault fault, GroupProcesses processes) {
            switch (fault.kind()) {
                case KILL, RESTART, KILL_TWO, LEAVE -> fault.processes().forEach(process -> add(processes, process));
                case STOP, STOP_TWO, SHORT_STOP -> {}
            }
        }

        void last(GroupProcesses processes) {
            for (int process = 0; process < processes.size(); process++) {
                add(processes, process);
            }
        }

        private void add(GroupProcesses processes, int process) {
            JsonObject request = new JsonObject().put("ask", "traffic");
            if (ControlClient.ask(processes.controls().get(process), request, ASK)
                            instanceof ControlClient.Reply.Answered(JsonObject body)
                    && body.getString("error") == null) {
                writes += body.getLong("writes");
                bytes += body.getLong("bytes");
                failures += body.getLong("failures");
            }
        }

        String text() {
            return "written %.1f GB in %d writes, %d writes failed".formatted(bytes / 1e9, writes, failures);
        }

        JsonObject toJson() {
            return new JsonObject().put("writes", writes).put("bytes", bytes).put("failures", failures);
        }
    }
}
