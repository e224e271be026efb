// SPDX-License-Identifier: Apache-2.0

package io.muster;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A JVM that a test starts, speaks to by lines, and owns: closing kills it, and it ends by itself if the test's JVM
 * dies.
 */
public final class JvmProcess implements AutoCloseable {
    private static final List<String> FLAGS = List.of(
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-Xmx128m",
            "-Xlog:disable",
            "-Dhazelcast.config.schema.validation.enabled=false",
            "--add-modules",
            "java.se",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "--add-exports",
            "java.base/jdk.internal.ref=ALL-UNNAMED",
            "--add-opens",
            "java.base/java.lang=ALL-UNNAMED",
            "--add-opens",
            "java.base/sun.nio.ch=ALL-UNNAMED",
            "--add-opens",
            "java.management/sun.management=ALL-UNNAMED",
            "--add-opens",
            "jdk.management/com.sun.management.internal=ALL-UNNAMED");

    private static final Pattern STRANGERS_JARS = Pattern.compile("(vertx|hazelcast|netty|jackson|jctools)-.*\\.jar");

    private final String name;
    private final Process process;
    private final Writer in;
    private final BlockingQueue<String> out = new LinkedBlockingQueue<>();
    private final List<String> all = new ArrayList<>();

    private JvmProcess(String name, Process process) {
        this.name = name;
        this.process = process;
        this.in = process.outputWriter(StandardCharsets.UTF_8);
        Thread.ofVirtual().start(this::drain);
    }

    public static JvmProcess start(
            String name, String classPath, List<String> flags, Class<?> main, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(FLAGS);
        command.addAll(flags);
        command.addAll(List.of("-cp", classPath, main.getName()));
        command.addAll(List.of(arguments));
        return new JvmProcess(
                name, new ProcessBuilder(command).redirectErrorStream(true).start());
    }

    /**
     * The class path of an application's node that knows nothing of Muster: the jars of Vert.x and Hazelcast and what
     * these need, and single classes of the tests, copied into the directory.
     */
    public static String classPathWithoutMuster(Path directory, Class<?>... own) throws IOException {
        for (Class<?> one : own) {
            Path file = directory.resolve(one.getName().replace('.', '/') + ".class");
            Files.createDirectories(file.getParent());
            try (InputStream compiled = one.getResourceAsStream(one.getSimpleName() + ".class")) {
                Files.copy(Objects.requireNonNull(compiled), file);
            }
        }
        return directory
                + File.pathSeparator
                + Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                        .filter(entry -> STRANGERS_JARS
                                .matcher(Path.of(entry).getFileName().toString())
                                .matches())
                        .collect(Collectors.joining(File.pathSeparator));
    }

    public void send(String line) throws IOException {
        in.write(line + "\n");
        in.flush();
    }

    /**
     * The rest of the next line that starts with the word; fails with everything said so far if there is none in time.
     */
    public String await(String word, long patienceMs) throws InterruptedException {
        long endNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(patienceMs);
        String line;
        while ((line = out.poll(endNanos - System.nanoTime(), TimeUnit.NANOSECONDS)) != null) {
            if (line.startsWith(word + " ")) {
                return line.substring(word.length() + 1);
            }
        }
        throw new AssertionError(name + " did not say '" + word + "' within " + patienceMs + " ms, alive="
                + process.isAlive() + ", it said:\n" + said());
    }

    /** The rest of the next line that starts with the word; empty if there is none in time. */
    public Optional<String> poll(String word, long patienceMs) throws InterruptedException {
        long endNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(patienceMs);
        String line;
        while ((line = out.poll(endNanos - System.nanoTime(), TimeUnit.NANOSECONDS)) != null) {
            if (line.startsWith(word + " ")) {
                return Optional.of(line.substring(word.length() + 1));
            }
        }
        return Optional.empty();
    }

    @Override
    public String toString() {
        return name;
    }

    public void kill() {
        process.destroyForcibly().onExit().join();
    }

    /** Returns when all its threads have stopped: the signal alone lets them go on for a moment. */
    public void freeze() throws IOException, InterruptedException {
        signal("-STOP");
        Eventually.value(name + " is stopped", Duration.ofSeconds(10), this::isStopped, stopped -> stopped);
    }

    private boolean isStopped() {
        Path tasks = Path.of("/proc", String.valueOf(process.pid()), "task");
        if (!Files.isDirectory(tasks)) {
            return true; // not on Linux
        }
        try (Stream<Path> all = Files.list(tasks)) {
            for (Path task : all.toList()) {
                String stat = Files.readString(task.resolve("stat"));
                if (!stat.substring(stat.lastIndexOf(')') + 1).startsWith(" T")) {
                    return false;
                }
            }
            return true;
        } catch (IOException ended) { // a thread has just ended
            return false;
        }
    }

    public void thaw() throws IOException, InterruptedException {
        signal("-CONT");
    }

    public int awaitExit(long patienceMs) throws InterruptedException {
        if (!process.waitFor(patienceMs, TimeUnit.MILLISECONDS)) {
            throw new AssertionError(name + " did not end within " + patienceMs + " ms, it said:\n" + said());
        }
        return process.exitValue();
    }

    @Override
    public void close() {
        kill();
    }

    private void signal(String signal) throws IOException, InterruptedException {
        if (new ProcessBuilder("kill", signal, String.valueOf(process.pid()))
                        .inheritIO()
                        .start()
                        .waitFor()
                != 0) {
            throw new IOException("kill " + signal + " failed");
        }
    }

    private String said() {
        synchronized (all) {
            return String.join("\n", all);
        }
    }

    private void drain() {
        try (BufferedReader reader = process.inputReader(StandardCharsets.UTF_8)) {
            @Nullable String line;
            while ((line = reader.readLine()) != null) {
                synchronized (all) {
                    all.add(line);
                }
                out.add(line);
            }
        } catch (IOException _) {
            // the process is gone
        }
    }
}
