// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

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
