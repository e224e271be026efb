// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import io.muster.cluster.ControlAddress;
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
            "Exit codes: 0 Muster can run here (a GPU is not needed), 2 a finding is FAIL (an address, a port "
                    + "or the member list can't be used), or wrong arguments."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class DoctorCommand implements Callable<Integer> {
    private static final int MAX_PORT = 65_535;
    private static final String LOG_LEVEL = "muster.log.level";

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Option(
            names = "--bind",
            paramLabel = "ADDRESS",
            description =
                    "Address or name of this host that ranks would listen on; 0.0.0.0: every interface. A process "
                            + "starts there for a moment, on free ports.")
    private @Nullable String bind;

    @Option(
            names = "--advertise",
            paramLabel = "ADDRESS",
            defaultValue = "",
            description = "Address that others would dial, if it differs from --bind.")
    private String advertise = "";

    @Option(
            names = "--members",
            paramLabel = "HOST[:PORT],…",
            defaultValue = "",
            description = "Control addresses of all processes, as for 'run'. Each is asked.")
    private String members = "";

    @Option(
            names = "--control-port",
            paramLabel = "PORT",
            defaultValue = "7600",
            description = "Control port that the process would have (default: ${DEFAULT-VALUE}).")
    private int controlPort;

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
        if (System.getProperty(LOG_LEVEL) == null) {
            System.setProperty(LOG_LEVEL, "ERROR"); // the process that starts here logs nothing that is no finding
        }
        List<ControlAddress> others = members.isEmpty() ? List.of() : ControlAddress.parseList(members);
        List<Finding> findings = new ArrayList<>(Doctor.examine(HostFactsCollector.collect(bind, ports, warmup)));
        if (bind != null) {
            findings.addAll(StartCheck.of(bind, advertise, controlPort, others));
        }
        PrintWriter out = spec.commandLine().getOut();
        out.print(json ? DoctorReport.json(findings).encode() + System.lineSeparator() : DoctorReport.text(findings));
        out.flush();
        return DoctorReport.exitCode(findings);
    }

    private void check() {
        if (bind == null && !(advertise + members).isEmpty()) {
            throw new ParameterException(spec.commandLine(), "--advertise and --members need --bind");
        }
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
