// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Several hosts on this machine (network namespaces), and faults of the network between them, by the script
 * {@code src/test/scripts/hosts}. Hosts count from 1.
 */
final class Hosts {
    private static final String SCRIPT = Path.of(System.getProperty("muster.home"), "src/test/scripts/hosts")
            .toAbsolutePath()
            .toString();

    private final String name;

    private Hosts(String name) {
        this.name = name;
    }

    /** @param trouble empty, or the reason why this machine can't have them */
    record Made(Hosts hosts, String trouble) {}

    static Made up(String prefix, int count) throws IOException, InterruptedException {
        String name = prefix + ProcessHandle.current().pid();
        String said = script("up", name, String.valueOf(count)).strip();
        return new Made(new Hosts(name), said.equals("ready") ? "" : said);
    }

    static String address(int host) {
        return "10.213.78." + host;
    }

    /** The prefix that runs a command on a host. */
    List<String> on(int host) {
        return List.of(SCRIPT, "exec", name, String.valueOf(host));
    }

    void isolate(int host) throws IOException, InterruptedException {
        script("isolate", name, String.valueOf(host));
    }

    void oneWay(int from, int to) throws IOException, InterruptedException {
        script("oneway", name, String.valueOf(from), String.valueOf(to));
    }

    void cut(int one, int other) throws IOException, InterruptedException {
        script("cut", name, String.valueOf(one), String.valueOf(other));
    }

    void heal() throws IOException, InterruptedException {
        script("heal", name);
    }

    /** Removes the hosts and all faults. */
    void down() throws IOException, InterruptedException {
        script("down", name);
    }

    private static String script(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(SCRIPT));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (!process.waitFor(30, TimeUnit.SECONDS) || process.exitValue() != 0) {
            throw new IOException(String.join(" ", command) + ": " + said);
        }
        return said;
    }
}
