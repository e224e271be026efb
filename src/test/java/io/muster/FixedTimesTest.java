// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * A time in the code is a setting, or follows from one, or a comment beside it says why it is fixed. A fixed limit that
 * no setting names otherwise decides what a user can't change and does not know of.
 */
// N-4
class FixedTimesTest {
    private static final Path MAIN = Path.of(System.getProperty("muster.home", "."), "src/main/java");

    /** A number or a Duration that is named as a time. Group 1: its value. */
    private static final Pattern CONSTANT = Pattern.compile("\\bstatic final (?:Duration \\w+|(?:int|long|double) "
            + "\\w*(?:MILLIS?|MICROS?|NANOS?|SECONDS?|MINUTES?|_MS|_NS|_US|_S)) =(.*)");

    /** A number in place of a time in a call. */
    private static final Pattern IN_A_CALL = Pattern.compile("\\bDuration\\.of[A-Z]\\w+\\([\\d_]+L?\\)"
            + "|\\b(?:sleep|parkNanos|timer|setTimer|setPeriodic)\\([\\d_]+L?\\b"
            + "|\\b\\w+\\([\\d_]+L?, (?:\\w+\\.)*TimeUnit\\.");

    /** What a value may consist of without following from another value. */
    private static final Pattern LITERAL =
            Pattern.compile("Duration\\.of\\w+|(?:TimeUnit|ChronoUnit)\\.\\w+(?:\\.to\\w+)?|[\\d_.]+[LlDd]?|\\W");

    @Test
    void everyTimeIsASettingOrSaysWhyItIsFixed() throws IOException {
        List<String> unexplained = new ArrayList<>();
        int seen = 0;
        try (Stream<Path> files = Files.walk(MAIN)) {
            for (Path file : files.filter(path -> path.toString().endsWith(".java"))
                    .sorted()
                    .toList()) {
                List<String> lines = Files.readAllLines(file);
                for (int at = 0; at < lines.size(); at++) {
                    if (isFixed(lines.get(at))) {
                        seen++;
                        if (!isExplained(lines, at)) {
                            unexplained.add(MAIN.relativize(file) + ":" + (at + 1) + " "
                                    + lines.get(at).strip());
                        }
                    }
                }
            }
        }
        assertThat(seen).as("fixed times that were found").isGreaterThan(80);
        assertThat(unexplained)
                .as("make it a setting, derive it from one, or say in a comment beside it why it is fixed")
                .isEmpty();
    }

    @Test
    void aFixedTimeIsFound() {
        assertThat(List.of(
                        "    private static final Duration LIMIT = Duration.ofSeconds(10);",
                        "    static final long PAUSE_MS = 2 * 100;",
                        "    private static final long LATE_NANOS = TimeUnit.SECONDS.toNanos(2);",
                        "        Thread.sleep(50);",
                        "        vertx.setTimer(10, _ -> again());",
                        "        process.waitFor(1, TimeUnit.SECONDS);",
                        "        return rank.allConnected(Duration.ofSeconds(30));"))
                .allMatch(FixedTimesTest::isFixed)
                .allMatch(line -> !isExplained(List.of("", line), 1))
                .allMatch(line -> isExplained(List.of("    /** Because. */", line), 1))
                .allMatch(line -> isExplained(List.of("", line + " // because"), 1));
        assertThat(List.of(
                        "    private static final long WAIT_MS = 2 * PAUSE_MS;",
                        "    static final Duration STOP = Duration.ofMillis(options.shutdown().timeoutMs());",
                        "        vertx.setTimer(options.timeoutMs(), _ -> again());",
                        "     * like Thread.sleep(50) in a comment",
                        "    private static final int MAX_BYTES = 1024;"))
                .noneMatch(FixedTimesTest::isFixed);
    }

    private static boolean isFixed(String line) {
        if (line.strip().startsWith("*") || line.strip().startsWith("/")) {
            return false;
        }
        var constant = CONSTANT.matcher(line);
        return constant.find()
                ? LITERAL.matcher(constant.group(1)).replaceAll("").isEmpty()
                : IN_A_CALL.matcher(line).find();
    }

    /** A comment on the line or directly above it, or the default of an option of a command. */
    private static boolean isExplained(List<String> lines, int at) {
        String above = lines.get(at - 1).strip();
        if (lines.get(at).contains("// ") || above.endsWith("*/") || above.startsWith("//")) {
            return true;
        }
        int first = at;
        while (first > 0 && !lines.get(first - 1).isBlank()) {
            first--;
        }
        return lines.get(first).strip().startsWith("@Option(");
    }
}
