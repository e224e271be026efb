// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import io.muster.group.MusterException;
import io.muster.group.WarmupMode;
import io.muster.ops.Doctor;
import io.muster.ops.DoctorReport;
import io.muster.ops.Finding;
import io.muster.ops.HostFactsCollector;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code muster doctor}. */
@Command(
        name = "doctor",
        description = "Shows what this host offers, what is missing, and what to do about it.",
        footer = {
            "",
            "Exit codes: 0 Muster can run here (a GPU is not needed), 2 a finding is FAIL (the address or a port can't "
                    + "be used), or wrong arguments."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class DoctorCommand implements Callable<Integer> {
    private static final int MAX_PORT = 65_535;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Option(
            names = "--bind",
            paramLabel = "ADDRESS",
            description = "Address of this host that ranks would listen on; 0.0.0.0: every interface.")
    private @Nullable String bind;

    @Option(
            names = "--port",
            paramLabel = "PORT",
            split = ",",
            description = "Port that must be free. May be repeated, or a list such as 7600,5701.")
    private final List<Integer> ports = new ArrayList<>();

    @Option(
            names = "--warmup",
            paramLabel = "MODE",
            description = "The mode that ranks would use (warmup.mode): auto, exchange, skip or fabric.")
    private @Nullable String warmup;

    @Option(names = "--json", description = "Print one JSON object on standard output, and nothing else.")
    private boolean json;

    @Override
    public Integer call() {
        check();
        List<Finding> findings = Doctor.examine(HostFactsCollector.collect(bind, ports, warmup));
        PrintWriter out = spec.commandLine().getOut();
        out.print(json ? DoctorReport.json(findings).encode() + System.lineSeparator() : DoctorReport.text(findings));
        out.flush();
        return DoctorReport.exitCode(findings);
    }

    private void check() {
        for (int port : ports) {
            if (port < 1 || port > MAX_PORT) {
                throw new ParameterException(spec.commandLine(), "--port must be 1 to " + MAX_PORT + ", got " + port);
            }
        }
        if (warmup != null) {
            try {
                WarmupMode.parse(warmup);
            } catch (MusterException e) {
                throw new ParameterException(spec.commandLine(), e.getMessage(), e);
            }
        }
    }
}
