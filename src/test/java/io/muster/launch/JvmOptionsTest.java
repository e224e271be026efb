// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class JvmOptionsTest {
    private static final Path HOME = Path.of(System.getProperty("muster.home", ""));

    @Test
    void theManifestOpensTheSamePackages() throws IOException {
        assertThat(manifest("Add-Opens")).isEqualTo(flags("--add-opens")).isNotEmpty();
        assertThat(manifest("Add-Exports")).isEqualTo(flags("--add-exports")).isNotEmpty();
    }

    @Test
    void everyFlagIsExplained() throws IOException {
        for (String paragraph :
                Files.readString(HOME.resolve("conf/jvm.options")).split("\n\n")) {
            assertThat(paragraph).startsWith("#");
        }
    }

    @Test
    void testsRunWithTheSameFlags() throws IOException {
        List<String> running = ManagementFactory.getRuntimeMXBean().getInputArguments();
        List<String> single = Files.readAllLines(HOME.resolve("conf/jvm.options")).stream()
                .filter(line -> line.startsWith("-XX"))
                .toList();
        assertThat(single).isNotEmpty();
        assertThat(running).containsAll(single);
    }

    /** Waits until its standard input ends. */
    static final class Node {
        private Node() {}

        public static void main(String[] arguments) throws IOException {
            System.out.println("{}");
            while (System.in.read() >= 0) {
                // the content is ignored
            }
        }
    }

    @Test // standard output belongs to the command
    void theJvmWritesNothingToStandardOutput() throws Exception {
        Process running = java("-XX:AOTCache=/nonexistent", Node.class.getName());
        try (BufferedReader errors = running.errorReader()) {
            assertThat(running.inputReader().readLine()).isEqualTo("{}");
            new ProcessBuilder("kill", "-QUIT", String.valueOf(running.pid()))
                    .start()
                    .waitFor();

            assertThat(errors.lines().anyMatch(line -> line.startsWith("Full thread dump")))
                    .isTrue();
            running.getOutputStream().close();
            errors.lines().forEach(_ -> {});
            assertThat(running.inputReader().lines()).isEmpty();
        } finally {
            running.destroyForcibly();
        }
        Process refused = java("-XX:+UseParallelGC", Node.class.getName());
        assertThat(refused.inputReader().lines()).isEmpty();
        assertThat(refused.errorReader().lines()).contains("Multiple garbage collectors selected");
    }

    private static Process java(String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "@" + HOME.resolve("conf/jvm.options"),
                "-cp",
                System.getProperty("java.class.path")));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command).start();
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "none",
            value = {"-XX:+UseZGC,true", "-Xmx1g -XX:+UseG1GC -Da=b,true", "-XX:+UseSerialGC,false", "none,false"})
    void aCollectorOfTheUserIsRecognized(String flags, boolean chosen) {
        assertThat(JvmCommand.choosesCollector(flags)).isEqualTo(chosen);
    }

    private static List<String> flags(String name) throws IOException {
        return Files.readAllLines(HOME.resolve("conf/jvm.options")).stream()
                .filter(line -> line.startsWith(name + " "))
                .map(line -> line.substring(name.length() + 1).replace("=ALL-UNNAMED", ""))
                .toList();
    }

    private static List<String> manifest(String name) throws IOException {
        Matcher entry = Pattern.compile("<" + name + ">([^<]*)</").matcher(Files.readString(HOME.resolve("pom.xml")));
        assertThat(entry.find()).isTrue();
        return Arrays.asList(entry.group(1).trim().split("\\s+"));
    }
}
