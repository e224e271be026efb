// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Commands of the operating system that set a network up; their words are separated by single spaces. */
final class Shell {
    private Shell() {}

    /** Runs the commands in their order until one fails; empty, or why it failed. */
    static String trouble(List<String> commands) throws InterruptedException {
        try {
            for (String command : commands) {
                said(command);
            }
            return "";
        } catch (IOException e) {
            return String.valueOf(e.getMessage());
        }
    }

    static String trouble(String... commands) throws InterruptedException {
        return trouble(List.of(commands));
    }

    /** What the command printed; throws if it failed. */
    static String said(String command) throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder(command.split(" ")).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        if (!process.waitFor(10, TimeUnit.SECONDS) || process.exitValue() != 0) {
            throw new IOException(command + ": " + said);
        }
        return said;
    }
}
