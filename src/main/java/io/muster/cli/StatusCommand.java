// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import io.muster.launch.ExitCode;
import io.muster.ops.GpuPaths;
import io.muster.ops.StatusVerticle;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
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
            "Exit codes: 0 all connected, 1 the process failed to answer, 2 wrong arguments or no such group, 3 not "
                    + "all connected, 4 no answer."
        })
final class StatusCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--group",
            paramLabel = "NAME",
            description = "Show only this group (default: all groups of the process).")
    private @Nullable String group;

    @Option(names = "--json", description = "Print one JSON object on standard output, and nothing else.")
    private boolean json;

    @Mixin
    private ControlQuestion question = new ControlQuestion();

    @Override
    public Integer call() {
        var request = new JsonObject().put("ask", "status");
        if (group != null) {
            request.put("group", group);
        }
        JsonObject answer = question.ask(request);
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(answer.encode());
        } else {
            print(answer, out);
        }
        out.flush();
        return isAllConnected(answer) ? ExitCode.OK : ExitCode.NOT_ALL_CONNECTED;
    }

    /** True if the process has started and no rank is missing in any group that was asked for. */
    static boolean isAllConnected(JsonObject answer) {
        return !answer.getBoolean("starting", false)
                && answer.getJsonArray("groups", new JsonArray()).stream()
                        .map(JsonObject.class::cast)
                        .allMatch(group -> "COMPLETE".equals(group.getString("epochState"))
                                && group.getJsonArray("missing").isEmpty());
    }

    private void print(JsonObject answer, PrintWriter out) {
        JsonArray groups = answer.getJsonArray("groups", new JsonArray());
        groups.forEach(group -> out.println(StatusVerticle.text((JsonObject) group)));
        String paths = GpuPaths.text(answer.getJsonObject("gpuPaths", new JsonObject()));
        if (!paths.isEmpty()) {
            out.println(paths);
        }
        String who = "pid " + answer.getLong("pid") + " at " + question.target();
        JsonObject joins = answer.getJsonObject("joins");
        String will = joins == null
                ? ""
                : "; it will join group " + joins.getString("group") + " with ranks "
                        + joins.getJsonArray("ranks").encode();
        if (answer.getBoolean("starting", false)) {
            out.println(who + " is starting: it waits for " + answer.getString("waitsFor") + will);
        } else if (joins != null) {
            out.println(who + " is in its cluster" + will);
        } else if (groups.isEmpty()) {
            out.println(who + " is in no group");
        }
    }
}
