// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import io.muster.cluster.ControlAddress;
import io.muster.cluster.ControlClient;
import io.muster.launch.ExitCode;
import io.muster.ops.GpuPaths;
import io.muster.ops.StatusVerticle;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code muster status}: asks one running process, which asks all others. It does not join the cluster. */
@Command(
        name = "status",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Shows which ranks are missing in the groups of a running process, in which phase, and why. Works "
                        + "before and after all-connected.",
        footer = {
            "",
            "Exit codes: 0 answered, 1 the process failed to answer, 2 wrong arguments, no such group, or nothing "
                    + "answers at this address."
        })
final class StatusCommand implements Callable<Integer> {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--group",
            paramLabel = "NAME",
            description = "Show only this group (default: all groups of the process).")
    private @Nullable String group;

    @Option(names = "--json", description = "Print one JSON object on standard output, and nothing else.")
    private boolean json;

    @Option(
            names = "--control",
            paramLabel = "HOST[:PORT]",
            defaultValue = "127.0.0.1:7600",
            description = "Control port of any process of the group (default: ${DEFAULT-VALUE}).")
    private String control = "";

    @Override
    public Integer call() {
        ControlAddress target = ControlAddress.parse(control);
        var request = new JsonObject().put("ask", "status");
        if (group != null) {
            request.put("group", group);
        }
        JsonObject answer = ControlQuestion.ask(target, request);
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(answer.encode());
        } else {
            print(answer, target, out);
        }
        out.flush();
        return ExitCode.OK;
    }

    private static void print(JsonObject answer, ControlAddress target, PrintWriter out) {
        JsonArray groups = answer.getJsonArray("groups", new JsonArray());
        groups.forEach(group -> out.println(StatusVerticle.text((JsonObject) group)));
        String paths = GpuPaths.text(answer.getJsonObject("gpuPaths", new JsonObject()));
        if (!paths.isEmpty()) {
            out.println(paths);
        }
        if (answer.getBoolean("starting", false)) {
            out.println("pid " + answer.getLong("pid") + " at " + target + " is starting: it is not in a cluster yet"
                    + waitingFor(target));
        } else if (groups.isEmpty()) {
            out.println("pid " + answer.getLong("pid") + " at " + target + " is in no group");
        }
    }

    private static String waitingFor(ControlAddress target) {
        JsonObject request = new JsonObject().put("ask", "cluster");
        return ControlClient.ask(target, request, PATIENCE) instanceof ControlClient.Reply.Answered(JsonObject body)
                        && body.getString("waitingFor") != null
                ? ", and waits for " + body.getString("waitingFor")
                        + (body.getString("why") == null ? "" : " (" + body.getString("why") + ")")
                : "";
    }
}
