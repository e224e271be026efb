// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.launch.JvmCommand;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The launcher and child JVMs with the packaged jar. */
@Timeout(180)
final class LauncherIT {
    private static final Path HOME = Path.of(System.getProperty("muster.home")).toAbsolutePath();

    @TempDir
    private Path temp;

    @Test
    void startsThePackagedJarFromAnyFolderAndRecordsTheStart() throws Exception {
        Path link = Files.createSymbolicLink(temp.resolve("m"), HOME.resolve("launcher/muster"));

        assertThat(run(new ProcessBuilder(link.toString(), "--version")))
                .startsWith("0 muster ")
                .contains("Java ");
        assertThat(run(new ProcessBuilder(link.toString(), "--version")).lines())
                .as("only the version")
                .hasSize(1);
        try (Stream<Path> files = Files.list(HOME.resolve("target"))) {
            assertThat(files.filter(file -> file.toString().endsWith(".aot")))
                    .singleElement()
                    .satisfies(archive -> assertThat(archive).isNotEmptyFile());
        }
    }

    @Test
    void anUnknownCommandExitsWith2() throws Exception {
        assertThat(run(new ProcessBuilder(HOME.resolve("launcher/muster").toString(), "dance")))
                .contains("unknown command 'dance'")
                .startsWith("2 ");
    }

    @Test
    void aChildJvmRunsMainFromTheJarWithoutAWarning() throws Exception {
        List<String> arguments = List.of("train-archive");

        assertThat(run(JvmCommand.likeThisJvm()
                        .shortLived()
                        .with("-Dmuster.log.level=WARN")
                        .runMain(arguments)))
                .isEqualTo("0 ");
    }

    private String run(ProcessBuilder builder) throws Exception {
        Path output = temp.resolve("output");
        builder.redirectErrorStream(true).redirectOutput(output.toFile()).directory(temp.toFile());
        Process process = builder.start();
        try {
            assertThat(process.waitFor(150, TimeUnit.SECONDS))
                    .as("ended: " + builder.command())
                    .isTrue();
        } finally {
            process.destroyForcibly();
        }
        return process.exitValue() + " " + Files.readString(output);
    }
}
