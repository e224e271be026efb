// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import io.muster.group.MusterException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The command that runs {@code io.muster.cli.Main} in another JVM, with the Java, the flags and the classes of this
 * one. The launcher and the build set these system properties:
 *
 * <ul>
 *   <li>{@code muster.home}: the folder with {@code conf/jvm.options}; default: the current folder
 *   <li>{@code muster.log.level}, {@code java.io.tmpdir}: passed on as they are
 *   <li>{@code muster.jar}: the jar to run; default: the class path of this JVM, as in unit tests
 * </ul>
 */
public final class JvmCommand {
    /** As text, because the command line imports this package and must not be imported here. */
    private static final String MAIN = "io.muster.cli.Main";

    private static final Pattern COLLECTOR = Pattern.compile("-XX:\\+Use(G1|Z|Parallel|Shenandoah|Epsilon)GC\\b");

    private static final List<String> PASSED_ON =
            List.of("muster.home", "muster.jar", "muster.log.level", "java.io.tmpdir");

    private final List<String> flags = new ArrayList<>();

    private JvmCommand() {}

    /** @throws MusterException of kind CONFIG if {@code conf/jvm.options} is not found */
    public static JvmCommand likeThisJvm() {
        Path home = Path.of(System.getProperty("muster.home", "")).toAbsolutePath();
        Path options = home.resolve("conf").resolve("jvm.options");
        if (!Files.isReadable(options)) {
            throw MusterException.config("no conf/jvm.options in " + home
                    + ": start with launcher/muster, or set -Dmuster.home to its folder");
        }
        JvmCommand command = new JvmCommand();
        command.flags.add("@" + options);
        if (choosesCollector(System.getenv("JAVA_TOOL_OPTIONS"))
                || choosesCollector(System.getenv("JDK_JAVA_OPTIONS"))) {
            command.flags.add("-XX:-UseSerialGC"); // a JVM refuses two collectors; the launcher does the same
        }
        for (String property : PASSED_ON) {
            String value = System.getProperty(property);
            if (value != null) {
                command.flags.add("-D" + property + "=" + value);
            }
        }
        return command;
    }

    static boolean choosesCollector(@Nullable String flags) {
        return flags != null && COLLECTOR.matcher(flags).find();
    }

    /**
     * Uses the C1 compiler only, for processes that live for seconds: they start with a third less processor time, and
     * run slower after minutes.
     */
    public JvmCommand shortLived() {
        return with("-XX:TieredStopAtLevel=1");
    }

    /** Adds a flag for the JVM. */
    public JvmCommand with(String flag) {
        flags.add(flag);
        return this;
    }

    /** A process builder, not started yet, with these arguments of {@code io.muster.cli.Main}. */
    public ProcessBuilder runMain(List<String> arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(flags);
        Optional<Path> jar = Optional.ofNullable(System.getProperty("muster.jar"))
                .map(Path::of)
                .filter(Files::isRegularFile);
        if (jar.isPresent()) {
            command.addAll(archiveBeside(jar.get()));
            command.addAll(List.of("-jar", jar.get().toString()));
        } else {
            command.addAll(List.of("-cp", System.getProperty("java.class.path"), MAIN));
        }
        command.addAll(arguments);
        return new ProcessBuilder(command);
    }

    /** The flags for the archive that the launcher recorded. A JVM that it does not fit ignores it silently. */
    private static List<String> archiveBeside(Path jar) {
        try (Stream<Path> files = Files.list(jar.toAbsolutePath().getParent())) {
            return files.filter(file -> file.getFileName().toString().matches("start-.*\\.aot"))
                    .filter(file -> file.toFile().length() > 0)
                    .max(Comparator.comparingLong(file -> file.toFile().lastModified()))
                    .map(archive -> List.of("-XX:AOTCache=" + archive, "-Xlog:aot=off:stderr", "-Xlog:cds=off:stderr"))
                    .orElse(List.of());
        } catch (IOException e) {
            throw new UncheckedIOException("can't list the folder of " + jar + ": " + e.getMessage(), e);
        }
    }
}
