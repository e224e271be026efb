// SPDX-License-Identifier: Apache-2.0

package io.muster.bench;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code muster bench}: measurements with real processes on this host. */
@Command(
        name = "bench",
        description = "Measures Muster on this host with real processes over loopback.",
        mixinStandardHelpOptions = true,
        subcommands = {BenchConnectCommand.class, BenchTransferCommand.class})
public final class BenchCommand implements Runnable {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(),
                "no measurement given; measurements are "
                        + String.join(", ", spec.commandLine().getSubcommands().keySet()));
    }
}
