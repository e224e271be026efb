// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.MusterException;
import io.muster.launch.ExitCode;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

// O-4
final class MainTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    /** Scripts compare with the numbers, and the README names them. */
    @Test
    void exitCodesAreTheNumbersOfTheReadme() {
        assertThat(List.of(ExitCode.OK, ExitCode.FAILED, ExitCode.USAGE, ExitCode.NOT_ALL_CONNECTED))
                .containsExactly(0, 1, 2, 3);
    }

    @Test
    void helpAndVersionGoToStandardOutput() {
        assertThat(run("--help")).isEqualTo(ExitCode.OK);
        assertThat(run("--version")).isEqualTo(ExitCode.OK);
        assertThat(out.toString())
                .contains("Usage: muster")
                .contains("muster (not packaged), Java " + Runtime.version())
                .doesNotContain("train-archive");
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void anUnknownCommandIsOneSentence() {
        assertThat(run("dance")).isEqualTo(ExitCode.USAGE);
        assertThat(err.toString().lines())
                .singleElement()
                .asString()
                .startsWith("muster: unknown command 'dance'; commands are ");
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void noCommandIsOneSentence() {
        assertThat(run()).isEqualTo(ExitCode.USAGE);
        assertThat(err.toString().lines())
                .singleElement()
                .asString()
                .startsWith("muster: no command given; commands are ");
    }

    @Test
    void anUnknownOptionIsOneSentence() {
        assertThat(run("fail", "--numbr=7")).isEqualTo(ExitCode.USAGE);
        assertThat(err.toString().lines())
                .singleElement()
                .asString()
                .startsWith("muster: unknown option '--numbr=7'")
                .endsWith("(muster fail --help)");
    }

    @Test
    void aWrongValueIsOneSentence() {
        assertThat(run("fail", "--number=x")).isEqualTo(ExitCode.USAGE);
        assertThat(err.toString().lines())
                .singleElement()
                .asString()
                .contains("'--number'")
                .contains("'x' is not an int");
    }

    @Test
    void aMistakeInTheConfigurationShowsItsMessageOnly() {
        assertThat(run("fail", "--kind=config")).isEqualTo(ExitCode.USAGE);
        assertThat(err.toString()).isEqualTo("muster: two\nlines" + System.lineSeparator());
    }

    @Test
    void anyOtherFailureIsOneLine() {
        assertThat(run("fail", "--kind=retry")).isEqualTo(ExitCode.FAILED);
        assertThat(run("fail", "--kind=bug")).isEqualTo(ExitCode.FAILED);
        assertThat(err.toString().lines())
                .containsExactly("muster: later", "muster: java.lang.IllegalStateException: a bug");
    }

    @Test
    void debugShowsTheStackTrace() {
        assertThat(run("fail", "--kind=bug", "--debug")).isEqualTo(ExitCode.FAILED);
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
