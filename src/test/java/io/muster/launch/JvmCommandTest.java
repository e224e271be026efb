// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.cli.Main;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

final class JvmCommandTest {

    @Test
    @Timeout(60)
    void runsMainOnTheClassPathOfATest() throws IOException, InterruptedException {
        Process child = JvmCommand.likeThisJvm()
                .runMain(List.of("--version"))
                .redirectErrorStream(true)
                .start();

        String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(output).isEqualTo("muster (not packaged), Java " + Runtime.version() + System.lineSeparator());
        assertThat(child.waitFor()).isZero();
    }

    @Test
    void flagsComeBeforeTheMainClassAndArgumentsAfterIt() {
        List<String> command = JvmCommand.likeThisJvm()
                .shortLived()
                .with("-Da=b")
                .runMain(List.of("demo", "--ranks", "2"))
                .command();

        assertThat(command.getFirst())
                .isEqualTo(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString());
        assertThat(command.get(1)).startsWith("@").endsWith("jvm.options");
        assertThat(command)
                .containsSubsequence(
                        "-XX:TieredStopAtLevel=1", "-Da=b", "-cp", Main.class.getName(), "demo", "--ranks", "2");
    }
}
