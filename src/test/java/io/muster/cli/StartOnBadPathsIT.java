// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.muster.Eventually;
import io.muster.launch.ExitCode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Processes that start while a path between them loses packets: they wait, say what does not pass, and go on when the
 * path heals. Skipped where this user may not create network namespaces, or where iptables is missing.
 */
@Timeout(120)
final class StartOnBadPathsIT { // B-3
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String SMALL_ONLY = "packets above some size are lost: check the MTU of the path";

    @TempDir
    private static Path temp;

    private static Hosts hosts;

    private final List<MusterCommand> owned = new ArrayList<>();

    @BeforeAll
    @Timeout(240)
    static void start() throws Exception {
        Hosts.Made made = Hosts.up("musterstart", 3);
        assumeTrue(made.trouble().isEmpty(), made.trouble());
        hosts = made.hosts();
        String trouble = iptables(2, "-L");
        assumeTrue(trouble.isEmpty(), "no iptables here: " + trouble);
        MusterCommand.recordTheStart();
        Files.writeString(temp.resolve("muster.yaml"), "barrier:\n  reportEveryMs: 1500\n");
    }

    @AfterEach
    void killAll() throws Exception {
        owned.forEach(MusterCommand::close);
        iptables(2, "-F");
        iptables(3, "-F");
    }

    @AfterAll
    static void end() throws Exception {
        if (hosts != null) {
            hosts.down();
        }
    }

    @Test
    void largePacketsThatAreLostAreNamedAndWaitedFor() throws Exception {
        iptables(2, "-A", "OUTPUT", "-m", "length", "--length", "1000:65535", "-j", "DROP");
        MusterCommand second = rank(2, 2);
        awaitLine(second, "starting pid=");
        MusterCommand founder = rank(1, 2);

        awaitLine(founder, "rank 1: never published", "its process runs (pid ", SMALL_ONLY);
        awaitErr(second, SMALL_ONLY);
        assertThat(founder.out()).noneMatch(line -> line.contains("start rank 1"));

        iptables(2, "-F");
        awaitLine(founder, "all-connected group=g");
        awaitLine(second, "all-connected group=g");
    }

    @Test
    void theDeadlineEndsAStartThatWaitsForOtherMembers() throws Exception {
        iptables(2, "-A", "OUTPUT", "-m", "length", "--length", "1000:65535", "-j", "DROP");
        rank(1, 2);
        MusterCommand second = rank(2, 2, "--deadline", "8s");

        assertThat(second.awaitExit()).as(second::toString).isEqualTo(ExitCode.NOT_ALL_CONNECTED);
        assertThat(String.join("\n", second.out())).contains("not all connected within 8s");
        assertThat(second.err()).as(second::toString).doesNotContain("\tat ", "Exception in thread");
    }

    @Test
    void membersThatCannotReachEachOtherAreNamedEverywhere() throws Exception {
        iptables(2, "-A", "INPUT", "-s", Hosts.address(3), "-p", "tcp", "--dport", "5701", "-j", "DROP");
        iptables(3, "-A", "INPUT", "-s", Hosts.address(2), "-p", "tcp", "--dport", "5701", "-j", "DROP");
        MusterCommand founder = rank(1, 3);
        MusterCommand second = rank(2, 3);
        awaitLine(second, "published group=g rank=1");
        MusterCommand third = rank(3, 3);

        String port = Hosts.address(3) + ":5701: " + Hosts.address(2) + ":5701";
        awaitErr(third, "Hazelcast's port can't be reached from " + port);
        awaitErr(founder, "Hazelcast's port can't be reached from " + port);
        awaitErr(second, "Hazelcast's port can't be reached from " + port);

        iptables(2, "-F");
        iptables(3, "-F");
        for (MusterCommand one : List.of(founder, second, third)) {
            awaitLine(one, "all-connected group=g");
            assertThat(one.err()).as(one::toString).doesNotContain("\tat ", "subsMapHelper");
        }
    }

    /** Waits until one report, of several lines, has all texts. */
    private static void awaitLine(MusterCommand command, String... texts) {
        Eventually.value(
                String.join(" … ", texts) + " on standard output of " + command,
                PATIENCE,
                command::out,
                lines -> lines.stream().anyMatch(line -> List.of(texts).stream().allMatch(line::contains)));
    }

    private static void awaitErr(MusterCommand command, String text) {
        Eventually.value(text + " on standard error of " + command, PATIENCE, command::err, err -> err.contains(text));
    }

    private MusterCommand rank(int host, int worldSize, String... more) throws IOException {
        List<String> members = new ArrayList<>();
        for (int i = 1; i <= worldSize; i++) {
            members.add(Hosts.address(i));
        }
        List<String> arguments = new ArrayList<>(List.of(
                "run",
                "--config",
                temp.resolve("muster.yaml").toString(),
                "--group",
                "g",
                "--rank",
                String.valueOf(host - 1),
                "--world-size",
                String.valueOf(worldSize),
                "--bind",
                Hosts.address(host),
                "--members",
                String.join(",", members),
                "--while-stdin-open"));
        arguments.addAll(List.of(more));
        MusterCommand command = MusterCommand.start(hosts.on(host), temp, arguments.toArray(String[]::new));
        owned.add(command);
        return command;
    }

    /** Empty if it worked, else the reason. */
    private static String iptables(int host, String... arguments) throws InterruptedException {
        List<String> command = new ArrayList<>(hosts.on(host));
        command.add("iptables");
        command.addAll(List.of(arguments));
        try {
            Process iptables =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            String said = new String(iptables.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            boolean ended = iptables.waitFor(10, TimeUnit.SECONDS);
            return ended && iptables.exitValue() == 0 ? "" : String.join(" ", command) + ": " + said;
        } catch (IOException e) {
            return String.valueOf(e.getMessage());
        }
    }
}
