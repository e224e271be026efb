// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import io.muster.group.MusterException;
import io.muster.launch.ExitCode;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code muster dump}: the flight record of a running process. It does not join the cluster and changes nothing. */
@Command(
        name = "dump",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Prints the flight record of a running process as JSON: the last events of its links, channels, store "
                        + "and barrier.",
        footer = {
            "",
            "Exit codes: 0 printed or written, 1 the process failed to answer or the file can't be written, 2 wrong "
                    + "arguments, 4 no answer."
        })
final class DumpCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private ControlQuestion question = new ControlQuestion();

    @Option(names = "--out", paramLabel = "FILE", description = "File to write to (default: standard output).")
    private @Nullable Path out;

    @Override
    public Integer call() {
        JsonObject record = question.ask(new JsonObject().put("ask", "dump"));
        if (out == null) {
            PrintWriter stdout = spec.commandLine().getOut();
            stdout.println(record.encodePrettily());
            stdout.flush();
            return ExitCode.OK;
        }
        try {
            Files.writeString(out, record.encodePrettily() + System.lineSeparator());
        } catch (IOException e) {
            throw new MusterException(
                    MusterException.Kind.FATAL,
                    "can't write " + out + ": " + e + "; choose another file with --out",
                    e);
        }
        return ExitCode.OK;
    }
}
