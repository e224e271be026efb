// SPDX-License-Identifier: Apache-2.0

package examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What an application gets that names Muster as its one dependency ({@code src/test/consumer}). The jar and the POM of
 * this build lie in a repository of the test's own. Maven runs offline with an empty local repository; all else comes
 * from the files that the build itself has fetched, so nothing is installed and nothing is downloaded.
 */
@Timeout(value = 240, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ConsumerIT {
    private static final Path HOME = Path.of(System.getProperty("muster.home", "."));
    private static final String VERSION = "0.1.0-SNAPSHOT";
    private static final String SETTINGS = """
      <settings>
        <mirrors><mirror><id>fetched</id><mirrorOf>central</mirrorOf><url>%s</url></mirror></mirrors>
        <profiles><profile><id>built</id><repositories><repository><id>built</id><url>%s</url></repository></repositories></profile></profiles>
        <activeProfiles><activeProfile>built</activeProfile></activeProfiles>
      </settings>
      """;

    @TempDir
    private Path temp;

    // L-1
    @Test
    void anApplicationRunsWithTheDocumentedDependency() throws Exception {
        Path built = Files.createDirectories(temp.resolve("built/io/muster/muster/" + VERSION));
        Files.copy(Path.of(System.getProperty("muster.jar")), built.resolve("muster-" + VERSION + ".jar"));
        Files.copy(HOME.resolve("pom.xml"), built.resolve("muster-" + VERSION + ".pom"));
        Files.writeString(
                temp.resolve("settings.xml"),
                SETTINGS.formatted(fetched().toUri(), temp.resolve("built").toUri()));
        Path project = copy(HOME.resolve("src/test/consumer"), temp.resolve("app"));

        maven(
                project,
                "compile",
                "dependency:tree",
                "-DoutputFile=tree.txt",
                "dependency:build-classpath",
                "-Dmdep.outputFile=classpath.txt");
        assertThat(Files.readString(project.resolve("tree.txt")).strip()).isEqualTo(documentedTree());

        String classPath = project.resolve("target/classes")
                + File.pathSeparator
                + Files.readString(project.resolve("classpath.txt")).strip();
        // On a host with GPUs: a driver is found, and JCuda is not on the class path.
        Files.createFile(Files.createDirectories(temp.resolve("driver")).resolve("libcuda.so.1"));
        assertThat(run(
                        project,
                        List.of(
                                "env",
                                "LD_LIBRARY_PATH=" + temp.resolve("driver"),
                                Path.of(System.getProperty("java.home"), "bin", "java")
                                        .toString(),
                                "-cp",
                                classPath,
                                "app.Application",
                                "consumer-" + ProcessHandle.current().pid())))
                .contains("all-connected epoch=1")
                .doesNotContain("jcuda");
    }

    /** Profiles in the POMs of libraries may follow the Java that runs Maven. They see it as {@code java.version}. */
    @Test
    void theDependenciesDoNotDependOnTheJavaOfMaven() throws Exception {
        Set<String> trees = new HashSet<>();
        for (String java : List.of("17.0.15", "21.0.7", "25.0.1", "26")) {
            Path tree = temp.resolve("tree-" + java + ".txt");
            run(
                    temp,
                    List.of(
                            maven(),
                            "-B",
                            "-o",
                            "-Dmaven.repo.local=" + fetched(),
                            "-f",
                            HOME.resolve("pom.xml").toAbsolutePath().toString(),
                            "-Djava.version=" + java,
                            "dependency:tree",
                            "-DoutputFile=" + tree));
            trees.add(Files.readString(tree));
        }
        assertThat(trees).hasSize(1);
    }

    @Test
    void theDependencyInTheDocumentIsTheOneOfTheProject() throws IOException {
        Pattern dependency = Pattern.compile("<dependency>.*?</dependency>", Pattern.DOTALL);
        assertThat(dependency
                        .matcher(document())
                        .results()
                        .map(match -> match.group().replaceAll("\\s", "")))
                .containsExactlyElementsOf(dependency
                        .matcher(Files.readString(HOME.resolve("src/test/consumer/pom.xml")))
                        .results()
                        .map(match -> match.group().replaceAll("\\s", ""))
                        .toList());
    }

    private static String documentedTree() throws IOException {
        Matcher block = Pattern.compile("<!-- output of: mvn dependency:tree -->\n```\n(.*?)\n```", Pattern.DOTALL)
                .matcher(document());
        assertThat(block.find()).as("the tree in dependencies.md").isTrue();
        return block.group(1);
    }

    private static String document() throws IOException {
        return Files.readString(HOME.resolve("src/main/docs/dependencies.md"));
    }

    /**
     * The local repository of the build, by the place of a library on the class path: group (two folders), artifact,
     * version, file.
     */
    private static Path fetched() {
        Path library = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .map(Path::of)
                .filter(entry -> entry.getFileName().toString().startsWith("hazelcast-"))
                .findFirst()
                .orElseThrow();
        return library.resolve("../../../../..").normalize();
    }

    private void maven(Path project, String... goals) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                maven(),
                "-B",
                "-o",
                "-s",
                temp.resolve("settings.xml").toString(),
                "-Dmaven.repo.local=" + temp.resolve("local"),
                "-Daether.offline.protocols=file"));
        command.addAll(List.of(goals));
        run(project, command);
    }

    private static String maven() {
        return Path.of(System.getProperty("muster.maven"), "bin", "mvn").toString();
    }

    private static String run(Path folder, List<String> command) throws IOException, InterruptedException {
        Path output = Files.createTempFile(folder, "output", ".txt");
        Process process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            boolean ended = process.waitFor(100, TimeUnit.SECONDS);
            String said = Files.readString(output, StandardCharsets.UTF_8);
            assertThat(ended)
                    .as("%s ended within 100 s; it said:%n%s", command, said)
                    .isTrue();
            assertThat(process.exitValue()).as("%s: %s", command, said).isZero();
            return said;
        } finally {
            process.destroyForcibly();
        }
    }

    private static Path copy(Path from, Path to) throws IOException {
        try (Stream<Path> all = Files.walk(from)) {
            for (Path one : all.toList()) {
                Files.copy(one, to.resolve(from.relativize(one).toString()));
            }
        }
        return to;
    }
}
