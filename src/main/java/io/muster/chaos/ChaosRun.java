// SPDX-License-Identifier: Apache-2.0

package io.muster.chaos;

import io.muster.launch.ConfigFile;
import io.muster.launch.EndSignals;
import io.muster.launch.EventWriter;
import io.muster.launch.ExitCode;
import io.muster.launch.FreePorts;
import io.muster.options.MusterOptions;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** {@code demo --chaos}: injects faults by a seeded schedule for some time and prints the verdict. */
public final class ChaosRun {
    private final ChaosPlan plan;
    private final Duration length;
    private final EventWriter events;

    public ChaosRun(ChaosPlan plan, Duration length, EventWriter events) {
        this.plan = plan;
        this.length = length;
        this.events = events;
    }

    /** The liveness limit of the processes, from the settings file that they will read. */
    public static long limitMs(@Nullable Path config) {
        return (config == null ? MusterOptions.defaults() : ConfigFile.options(config))
                .liveness()
                .limitMs();
    }

    /** Returns the exit code: 0 if every fault was blamed right, no rank wrongly, and all are connected at the end. */
    public int run() {
        return during(plan, events, this::run);
    }

    /** Runs an action on a group, whose processes end with the action or with this JVM. Returns the exit code. */
    static int during(ChaosPlan plan, EventWriter events, ToIntFunction<Chaos> act) {
        // set by the shutdown hook; read here, because an ending JVM makes the action fail
        var ending = new AtomicBoolean();
        try (var chaos = new Chaos(plan, FreePorts.choose(plan.processes(), new SecureRandom()), events)) {
            Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(() -> {
                ending.set(true);
                chaos.endAll();
            }));
            EndSignals.endInOrder();
            return act.applyAsInt(chaos);
        } catch (RuntimeException e) {
            if (ending.get()) {
                // the action failed because the JVM is ending, which has the exit code already
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

    private int run(Chaos chaos) {
        var random = new SplittableRandom(plan.seed());
        boolean connected = chaos.start();
        long endNanos = System.nanoTime() + length.toNanos();
        while (connected && System.nanoTime() - endNanos < 0) {
            connected = chaos.run(ChaosFault.next(random, plan.processes(), plan.spared(), plan.limitMs()));
            if (connected) {
                chaos.listen(random.nextInt(50, 500));
            }
        }
        boolean right = connected && chaos.ledger().isRight();
        JsonObject verdict = chaos.ledger().toJson();
        chaos.say(text(verdict, chaos, connected));
        int exitCode = right ? ExitCode.OK : ExitCode.FAILED;
        events.event(
                "outcome",
                new JsonObject()
                        .put("outcome", right ? "all-blamed-right" : "wrong")
                        .put("exitCode", exitCode)
                        .put("seed", plan.seed())
                        .put("allConnected", connected)
                        .put("epoch", chaos.epoch())
                        .mergeIn(verdict));
        return exitCode;
    }

    static String text(JsonObject verdict, Chaos chaos, boolean connected) {
        String faults = verdict.getJsonObject("faultsByKind").stream()
                .map(kind -> kind.getKey() + " " + kind.getValue())
                .collect(Collectors.joining(", "));
        return "verdict: " + verdict.getInteger("faults") + " faults (" + faults + "): blamed right "
                + verdict.getLong("blamedRight")
                + ", wrong accusations " + verdict.getInteger("wrongAccusations") + ", "
                + (connected ? "all-connected at the end, epoch=" + chaos.epoch() : "NOT all-connected at the end")
                + ", longest until all others reported " + verdict.getLong("longestToReportMs")
                + " ms, until all-connected again "
                + TimeUnit.MILLISECONDS.toSeconds(verdict.getLong("longestToAllConnectedMs")) + " s"
                + verdict.getJsonArray("notBlamedRight").stream()
                        .map(one -> System.lineSeparator() + "  not blamed right: " + one)
                        .collect(Collectors.joining());
    }
}
