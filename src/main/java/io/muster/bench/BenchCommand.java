// SPDX-License-Identifier: Apache-2.0

package io.muster.bench;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code muster bench}: measures what was promised, with real processes on this host. */
@Command(
        name = "bench",
        description = "Measure on this host, with real processes.",
        mixinStandardHelpOptions = true,
        subcommands = {BenchConnectCommand.class, BenchMemoryCommand.class, BenchTransferCommand.class})
public final class BenchCommand implements Runnable {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(),
                "no measurement given; there are "
                        + String.join(", ", spec.commandLine().getSubcommands().keySet()));
    }
}
