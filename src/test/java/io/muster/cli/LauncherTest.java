// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The launcher with fake JDKs and fake Mavens: which one it chooses, and which arguments it passes on. */
@Timeout(60)
final class LauncherTest {
    @TempDir
    private Path temp;

    private Path installed;
    private final Map<String, String> environment = new TreeMap<>();

    @BeforeEach
    void install() throws IOException {
        assumeTrue(Files.isExecutable(Path.of("/bin/bash")), "needs bash");
        Path home = Path.of(System.getProperty("muster.home", ""));
        installed = temp.toRealPath().resolve("an installed muster");
        Files.createDirectories(installed.resolve("launcher/lib/lib"));
        Files.createDirectories(installed.resolve("conf"));
        Files.copy(home.resolve("launcher/muster"), installed.resolve("launcher/muster"));
        Files.copy(home.resolve("conf/jvm.options"), installed.resolve("conf/jvm.options"));
        Files.writeString(installed.resolve("launcher/lib/muster-1.jar"), "a jar");
        environment.put("PATH", "/usr/bin:/bin");
        environment.put("MUSTER_JAVA_PLACES", "");
        environment.put(
                "JAVA_HOME", java("asked for", "17.0.1", ReleaseFile.PRESENT).toString());
        Path onPath = java("on-path", "21.0.1", ReleaseFile.PRESENT);
        environment.put("PATH", onPath.resolve("bin") + File.pathSeparator + "/usr/bin:/bin");
    }

    @Test
    void usesJavaHomeIfItIsNewEnough() throws Exception {
        Path asked = java("asked-25", "25", ReleaseFile.PRESENT);
        environment.put("JAVA_HOME", asked.toString());

        assertThat(launch().output()).startsWith("java of " + asked + " with ");
    }

    @Test
    void usesTheJavaOnThePathIfJavaHomeIsTooOld() throws Exception {
        Path onPath = java("path-26", "26-ea", ReleaseFile.PRESENT);
        Path link = Files.createSymbolicLink(
                Files.createDirectories(temp.resolve("links")).resolve("java"), onPath.resolve("bin/java"));
        environment.put("PATH", link.getParent() + File.pathSeparator + "/usr/bin:/bin");

        assertThat(launch().output()).startsWith("java of " + onPath + " with ");
    }

    @Test
    void searchesTheUsualPlacesLast() throws Exception {
        Path old = java("jvm-8", "1.8.0_402", ReleaseFile.ABSENT);
        Path broken = Files.createDirectories(temp.resolve("jvm-empty"));
        Path recent = java("jvm-25", "25.0.3", ReleaseFile.ABSENT);
        environment.put("MUSTER_JAVA_PLACES", old + " " + broken + " " + recent);

        assertThat(launch().output()).startsWith("java of " + recent + " with ");
    }

    @Test
    void prefersThePackedJava() throws Exception {
        environment.put("JAVA_HOME", java("asked-25", "25", ReleaseFile.PRESENT).toString());
        Path bundled = java(installed.resolve("launcher/runtime"), "25.0.1", ReleaseFile.PRESENT);

        assertThat(launch().output()).startsWith("java of " + bundled + " with ");
    }

    @Test
    void namesTheJdkToInstallIfNoneIsNewEnough() throws Exception {
        Outcome outcome = launch();

        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.output())
                .isEqualTo(
                        "muster: needs a JDK 25 or newer and found none: install one, for example Eclipse Temurin 25,"
                                + " or set JAVA_HOME to it\n");
    }

    @Test
    void passesOnArgumentsFlagsAndTheExitCode() throws Exception {
        environment.put("JAVA_HOME", java("asked-25", "25", ReleaseFile.PRESENT).toString());
        environment.put("MUSTER_JAVA_OPTS", "-Xmx64m -Da=b");

        Outcome outcome = launch("demo", "--group", "a b");

        assertThat(outcome.exitCode()).isEqualTo(7);
        assertThat(outcome.output())
                .contains(" with [@" + installed + "/conf/jvm.options]")
                .contains("[-Dmuster.home=" + installed + "]")
                .contains("[-Dmuster.jar=" + installed + "/launcher/lib/muster-1.jar]")
                .contains("[-Xmx64m][-Da=b][-jar]")
                .endsWith("/muster-1.jar][demo][--group][a b]\n");
    }

    @Test // a JVM refuses two collectors
    void aCollectorThatTheUserChoosesTakesThePlaceOfTheOwnOne() throws Exception {
        environment.put("JAVA_HOME", java("asked-25", "25", ReleaseFile.PRESENT).toString());
        assertThat(launch().output()).doesNotContain("UseSerialGC");
        for (String variable : List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "MUSTER_JAVA_OPTS")) {
            for (String between : List.of(" ", "\n", "\t", " '")) {
                environment.put(variable, "-Xmx64m" + between + "-XX:+UseZGC" + between.strip());

                assertThat(launch().output()).as(variable + between).contains("[-XX:-UseSerialGC]");
            }
            environment.remove(variable);
        }
    }

    @Test // its address would stand among the JSON
    void aDebuggerIsQuietOnlyForJson() throws Exception {
        environment.put("JAVA_HOME", java("asked-25", "25", ReleaseFile.PRESENT).toString());
        environment.put("MUSTER_JAVA_OPTS", "-agentlib:jdwp=transport=dt_socket,server=y");

        assertThat(launch("run").output()).contains("[-agentlib:jdwp=transport=dt_socket,server=y]");
        assertThat(launch("run", "--json").output()).contains("[-agentlib:jdwp=quiet=y,transport=dt_socket,server=y]");

        environment.put("MUSTER_JAVA_OPTS", "-Xrunjdwp:transport=dt_socket,server=y");
        assertThat(launch("run", "--json").output()).contains("[-Xrunjdwp:quiet=y,transport=dt_socket,server=y]");
    }

    @Test // in the C locale a JVM does not find its jar under a folder with an umlaut
    void theCLocaleBecomesOneThatKnowsAllFileNames() throws Exception {
        Path java = java("asked-25", "25", ReleaseFile.PRESENT);
        script(java.resolve("bin/java"), "echo \"LC_ALL=$LC_ALL\"; exit 7");
        environment.put("JAVA_HOME", java.toString());

        assertThat(launch().output()).isEqualTo("LC_ALL=C.UTF-8\n");
        environment.put("LC_ALL", "C");
        assertThat(launch().output()).isEqualTo("LC_ALL=C.UTF-8\n");
        environment.put("LC_ALL", "de_DE.ISO-8859-1");
        assertThat(launch().output()).isEqualTo("LC_ALL=de_DE.ISO-8859-1\n");
    }

    @Test
    void aCheckoutThatCannotBeWrittenIsOneSentence() throws Exception {
        environment.put("JAVA_HOME", java("asked-25", "25", ReleaseFile.PRESENT).toString());
        sourcesWithoutAJar();
        Files.writeString(installed.resolve("target"), "no folder can be made here, for any user");

        Outcome outcome = launch("demo");

        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.errors())
                .startsWith("muster: Muster must be built first, and " + installed + "/target can't be written: ")
                .hasLineCount(1);
    }

    @Test
    void worksThroughASymlink() throws Exception {
        environment.put("JAVA_HOME", java("asked-25", "25", ReleaseFile.PRESENT).toString());
        Path link = Files.createSymbolicLink(temp.resolve("muster-link"), installed.resolve("launcher/muster"));

        assertThat(run(link).output()).contains("[-Dmuster.home=" + installed + "]");
    }

    @Test
    void recordsTheStartOnceForEachJar() throws Exception {
        environment.put("JAVA_HOME", java("asked-25", "25", ReleaseFile.PRESENT).toString());

        assertThat(launch().errors()).isEqualTo("muster: recording the start (once after a build) …\n");
        assertThat(launch().errors()).isEmpty();
        Path jar = installed.resolve("launcher/lib/muster-1.jar");
        Files.setLastModifiedTime(jar, FileTime.fromMillis(System.currentTimeMillis() + 60_000));
        assertThat(launch().errors()).isEqualTo("muster: recording the start (once after a build) …\n");
    }

    @Test
    void startsWithoutAnArchiveIfRecordingFails() throws Exception {
        Path java = java("asked-25", "25", ReleaseFile.PRESENT);
        Files.writeString(
                java.resolve("bin/java"),
                Files.readString(java.resolve("bin/java")).replace("echo archive >\"${flag#*=}\"; exit 0", "exit 1"));
        environment.put("JAVA_HOME", java.toString());

        assertThat(launch("a").exitCode()).isEqualTo(7);
        Outcome second = launch("b");
        assertThat(second.output()).doesNotContain("AOTCache").endsWith("[b]\n");
        assertThat(second.errors()).isEmpty();
    }

    @Test
    void printsTheFolderOfTheJdkAndBuildsNothing() throws Exception {
        Path java = java("asked-25", "25", ReleaseFile.PRESENT);
        environment.put("JAVA_HOME", java.toString());
        sourcesWithoutAJar();

        assertThat(launch("--java-home")).isEqualTo(new Outcome(0, java + "\n", ""));
        assertThat(installed.resolve("target")).doesNotExist();
    }

    @Test
    void buildsWithTheWrapperIfNoMavenIsOnThePath() throws Exception {
        Path java = java("asked-25", "25", ReleaseFile.PRESENT);
        environment.put("JAVA_HOME", java.toString());
        sourcesWithoutAJar();
        environment.put("PATH", toolsWithoutMaven().toString());
        script(installed.resolve("mvnw"), "echo \"$JAVA_HOME $*\" >target/built-by; echo jar >target/muster-1.jar");

        Outcome outcome = launch("demo");

        assertThat(outcome.exitCode()).as(outcome::toString).isEqualTo(7);
        assertThat(outcome.output()).contains("[-Dmuster.jar=" + installed + "/target/muster-1.jar]");
        assertThat(outcome.errors()).startsWith("muster: building (first run only) …\nmuster: built in ");
        assertThat(installed.resolve("target/built-by"))
                .hasContent(java + " -B -q -Dmaven.test.skip=true -Dmuster.errorprone.skip package");
    }

    @Test
    void namesMavenAndTheWrapperIfNeitherCanBuild() throws Exception {
        environment.put("JAVA_HOME", java("asked-25", "25", ReleaseFile.PRESENT).toString());
        sourcesWithoutAJar();
        environment.put("PATH", toolsWithoutMaven().toString());

        assertThat(launch("demo"))
                .isEqualTo(new Outcome(
                        2,
                        "muster: Muster must be built first, and there is no Maven: no 'mvn' on PATH and no "
                                + installed + "/mvnw; install Maven 3.8 or newer\n"));

        script(installed.resolve("mvnw"), "echo no network; exit 1");
        Outcome failed = launch("demo");
        assertThat(failed.exitCode()).isEqualTo(1);
        assertThat(failed.errors())
                .startsWith("muster: building (first run only) …\nno network\nmuster: the build failed, ")
                .endsWith("; if ./mvnw can't download Maven, install Maven 3.8 or newer\n");
    }

    /** Makes the folder look like a fresh checkout. */
    private void sourcesWithoutAJar() throws IOException {
        Files.delete(installed.resolve("launcher/lib/muster-1.jar"));
        Files.createDirectories(installed.resolve("src/main/java"));
        Files.writeString(installed.resolve("pom.xml"), "<project/>");
    }

    /** A folder with every program of {@code /usr/bin} and {@code /bin} that the launcher calls, and no Maven. */
    private Path toolsWithoutMaven() throws IOException {
        Path tools = Files.createDirectories(temp.resolve("tools"));
        for (String tool : List.of(
                "bash",
                "cat",
                "cksum",
                "dirname",
                "env",
                "find",
                "flock",
                "head",
                "mkdir",
                "mv",
                "readlink",
                "rm",
                "sed",
                "touch")) {
            for (String folder : List.of("/usr/bin", "/bin")) {
                if (Files.isExecutable(Path.of(folder, tool)) && !Files.exists(tools.resolve(tool))) {
                    Files.createSymbolicLink(tools.resolve(tool), Path.of(folder, tool));
                }
            }
        }
        return tools;
    }

    private static void script(Path file, String body) throws IOException {
        Files.writeString(file, "#!/bin/bash\n" + body + "\n");
        assertThat(file.toFile().setExecutable(true)).isTrue();
    }

    private enum ReleaseFile {
        PRESENT,
        ABSENT
    }

    private Path java(String folder, String version, ReleaseFile release) throws IOException {
        return java(temp.toRealPath().resolve(folder), version, release);
    }

    /**
     * A folder whose bin/java prints its version, writes a fake archive when asked to record one, and otherwise prints
     * its arguments.
     */
    private static Path java(Path folder, String version, ReleaseFile release) throws IOException {
        Path java = Files.createDirectories(folder.resolve("bin")).resolve("java");
        Files.writeString(java, """
        #!/bin/bash
        if [ "$1" = -version ]; then echo 'openjdk version "%s" 2025-09-16' >&2; exit 0; fi
        for flag; do
          case $flag in -XX:AOTCacheOutput=*) echo archive >"${flag#*=}"; exit 0 ;; esac
        done
        printf 'java of %s with ' '%s'; printf '[%%s]' "$@"; echo; exit 7
        """.formatted(version, "%s", folder));
        assertThat(java.toFile().setExecutable(true)).isTrue();
        if (release == ReleaseFile.PRESENT) {
            Files.writeString(folder.resolve("release"), "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"" + version + "\"\n");
        }
        return folder;
    }

    private Outcome launch(String... args) throws Exception {
        return run(installed.resolve("launcher/muster"), args);
    }

    private Outcome run(Path launcher, String... args) throws Exception {
        ProcessBuilder builder = new ProcessBuilder(launcher.toString());
        builder.command().addAll(List.of(args));
        builder.directory(Path.of("/").toFile());
        builder.environment().clear();
        builder.environment().putAll(environment);
        Path out = temp.resolve("out");
        Path err = temp.resolve("err");
        Process process =
                builder.redirectOutput(out.toFile()).redirectError(err.toFile()).start();
        try {
            assertThat(process.waitFor(30, TimeUnit.SECONDS))
                    .as("launcher ended")
                    .isTrue();
        } finally {
            process.destroyForcibly();
        }
        String printed = Files.readString(out);
        String errors = Files.readString(err);
        return new Outcome(process.exitValue(), printed.isEmpty() ? errors : printed, errors);
    }

    /** @param output standard output, or standard error if there is none */
    private record Outcome(int exitCode, String output, String errors) {
        Outcome(int exitCode, String errors) {
            this(exitCode, errors, errors);
        }
    }
}
