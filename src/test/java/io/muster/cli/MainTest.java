// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.MusterException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

// O-4
final class MainTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    /** Scripts compare the numbers, and {@code deployment.md} documents them. */
    // M-6
    @Test
    void exitCodesAreThoseOfTheDeploymentPage() throws IOException {
        Path page = Path.of(System.getProperty("muster.home", ""), "src/main/docs/deployment.md");
        List<Integer> documented = Pattern.compile("(?m)^\\| ([0-9]+) \\|")
                .matcher(Files.readString(page))
                .results()
                .map(row -> Integer.valueOf(row.group(1)))
                .toList();

        assertThat(documented).containsExactly(0, 1, 2, 3, 4);
    }

    /** Help is read in terminals: every command states its exit codes, and no line is wider than 80 columns. */
    @ParameterizedTest
    @ValueSource(strings = {"", "demo", "run", "status", "dump", "doctor", "soak", "bench connect", "bench transfer"})
    void helpFitsATerminalAndNamesTheExitCodes(String command) {
        assertThat(run((command + " --help").strip().split(" "))).isZero();

        assertThat(out.toString()).contains("Exit codes: 0 ");
        assertThat(out.toString().lines()).allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(80));
    }

    @Test
    void helpAndVersionGoToStandardOutput() {
        assertThat(run("--help")).isZero();
        assertThat(run("--version")).isZero();
        assertThat(out.toString())
                .contains("Usage: muster")
                .contains("muster (not packaged), Java " + Runtime.version())
                .doesNotContain("train-archive");
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void anUnknownCommandIsOneSentence() {
        assertThat(run("dance")).isEqualTo(2);
        assertThat(err.toString().lines())
                .singleElement()
                .asString()
                .startsWith("muster: unknown command 'dance'; commands are ");
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void noCommandIsOneSentence() {
        assertThat(run()).isEqualTo(2);
        assertThat(err.toString().lines())
                .singleElement()
                .asString()
                .startsWith("muster: no command given; commands are ");
    }

    @Test
    void anUnknownOptionIsOneSentence() {
        assertThat(run("fail", "--numbr=7")).isEqualTo(2);
        assertThat(err.toString().lines())
                .singleElement()
                .asString()
                .startsWith("muster: unknown option '--numbr=7'")
                .endsWith("(muster fail --help)");
    }

    @Test
    void aWrongValueIsOneSentence() {
        assertThat(run("fail", "--number=x")).isEqualTo(2);
        assertThat(err.toString().lines())
                .singleElement()
                .asString()
                .contains("'--number'")
                .contains("'x' is not an int");
    }

    @Test
    void aConfigurationMistakeShowsItsMessageOnly() {
        assertThat(run("fail", "--kind=config")).isEqualTo(2);
        assertThat(err.toString()).isEqualTo("muster: two\nlines" + System.lineSeparator());
    }

    @Test
    void anyOtherFailureIsOneLine() {
        assertThat(run("fail", "--kind=retry")).isEqualTo(1);
        assertThat(run("fail", "--kind=bug")).isEqualTo(1);
        assertThat(err.toString().lines())
                .containsExactly("muster: later", "muster: java.lang.IllegalStateException: a bug");
    }

    @Test
    void debugShowsTheStackTrace() {
        assertThat(run("fail", "--kind=bug", "--debug")).isEqualTo(1);
        assertThat(err.toString()).contains("\tat " + Failing.class.getName() + ".call(");
    }

    private int run(String... args) {
        CommandLine commandLine = Main.commandLine().addSubcommand(new Failing());
        return commandLine
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(args);
    }

    @Command(name = "fail")
    static final class Failing implements Callable<Integer> {
        @Option(names = "--number")
        private int number;

        @Option(names = "--kind", defaultValue = "bug")
        private String kind = "";

        @Override
        public Integer call() {
            throw switch (kind) {
                case "config" -> MusterException.config("two\nlines");
                case "retry" -> MusterException.retry("later");
                default -> new IllegalStateException("a bug\nwith a second line " + number);
            };
        }
    }
}
