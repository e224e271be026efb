// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import io.muster.FlightRecordWhenItFails;
import io.muster.cluster.ControlAddress;
import io.muster.cluster.ControlClient;
import io.muster.launch.FreePorts;
import io.muster.launch.JvmCommand;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A command of Muster as a real process, with the flags of the launcher. A test starts it, reads its events and sends
 * it signals. Closing kills it, and it ends by itself if the JVM of the test ends.
 */
public final class MusterCommand implements AutoCloseable {
    static final long PATIENCE_MS = 40_000;
    private static final int JCMD_SECONDS = 10;
    private static final Random RANDOM = new Random();

    private final String name;
    private final List<String> prefix;
    private final Process process;
    private final List<String> out = new ArrayList<>();
    private final List<JsonObject> events = new ArrayList<>();
    private final StringBuilder err = new StringBuilder();
    private final List<Thread> readers;
    private int from;

    private MusterCommand(String name, List<String> prefix, Process process) {
        this.name = name;
        this.prefix = prefix;
        this.process = process;
        this.readers = List.of(
                Thread.ofVirtual().start(this::readOut), Thread.ofVirtual().start(this::readErr));
    }

    /** Runs the launcher once after a build, which records a start and so makes all further starts cheap. */
    public static void recordTheStart() throws IOException, InterruptedException {
        Path home = Path.of(System.getProperty("muster.home")).toAbsolutePath();
        Process once = new ProcessBuilder(home.resolve("launcher/muster").toString(), "--version")
                .inheritIO()
                .start();
        if (!once.waitFor(90, TimeUnit.SECONDS) || once.exitValue() != 0) {
            throw new AssertionError("launcher/muster --version does not work");
        }
    }

    static List<Integer> freePorts(int count) {
        return FreePorts.choose(count, RANDOM);
    }

    /** @param temp where it may put files */
    public static MusterCommand start(Path temp, String... arguments) throws IOException {
        return start(List.of(), temp, arguments);
    }

    /** @param prefix a command that runs another one, such as {@code ip netns exec NAME} */
    static MusterCommand start(List<String> prefix, Path temp, String... arguments) throws IOException {
        ProcessBuilder builder = JvmCommand.likeThisJvm()
                .shortLived()
                .with("-Dmuster.log.level=WARN")
                .with("-Djava.io.tmpdir=" + temp)
                .runMain(List.of(arguments));
        List<String> command = new ArrayList<>(prefix);
        command.addAll(builder.command());
        builder.environment().remove("MUSTER_DEBUG");
        var started = new MusterCommand(
                String.join(" ", arguments), prefix, builder.command(command).start());
        FlightRecordWhenItFails.register(started, started::flightRecord);
        return started;
    }

    long pid() {
        return process.pid();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** Ignores all events that have arrived so far. */
    void forgetEvents() {
        synchronized (events) {
            from = events.size();
        }
    }

    /** Waits for the first event of this name that matches, among those that are not ignored. */
    JsonObject await(String event, Predicate<JsonObject> like) throws InterruptedException {
        return await(event, like, PATIENCE_MS);
    }

    JsonObject await(String event, Predicate<JsonObject> like, long patienceMs) throws InterruptedException {
        long endNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(patienceMs);
        synchronized (events) {
            for (int next = from; ; ) {
                while (next < events.size()) {
                    JsonObject one = events.get(next++);
                    if (event.equals(one.getString("event")) && like.test(one)) {
                        return one;
                    }
                }
                long leftMs = TimeUnit.NANOSECONDS.toMillis(endNanos - System.nanoTime());
                if (leftMs <= 0 || !readers.getFirst().isAlive() && next == events.size()) {
                    FlightRecordWhenItFails.print("no event '" + event + "' in time");
                    throw new AssertionError("no event '" + event + "' like that within " + patienceMs + " ms, alive="
                            + isAlive() + "\n" + this);
                }
                events.wait(Math.min(leftMs, 100));
            }
        }
    }

    JsonObject allConnectedAfter(long epoch) throws InterruptedException {
        return await("all-connected", one -> one.getLong("epoch") > epoch);
    }

    /** The events of this name so far. */
    public List<JsonObject> events(String event) {
        synchronized (events) {
            return events.stream()
                    .filter(one -> event.equals(one.getString("event")))
                    .toList();
        }
    }

    /** The events of this name that are not ignored. */
    List<JsonObject> recentEvents(String event) {
        synchronized (events) {
            return events.subList(from, events.size()).stream()
                    .filter(one -> event.equals(one.getString("event")))
                    .toList();
        }
    }

    /** Waits for its end; all its output has been read then. */
    public int awaitExit(long patienceMs) throws InterruptedException {
        if (!process.waitFor(patienceMs, TimeUnit.MILLISECONDS)) {
            FlightRecordWhenItFails.print("it does not end");
            throw new AssertionError("it does not end within " + patienceMs + " ms\n" + this);
        }
        for (Thread reader : readers) {
            reader.join();
        }
        return process.exitValue();
    }

    public int awaitExit() throws InterruptedException {
        return awaitExit(PATIENCE_MS);
    }

    void signal(String signal) throws IOException, InterruptedException {
        if (new ProcessBuilder("kill", "-" + signal, String.valueOf(pid()))
                        .inheritIO()
                        .start()
                        .waitFor()
                != 0) {
            throw new IOException("kill -" + signal + " failed");
        }
    }

    /**
     * Ctrl-C. If the build was started with SIGINT ignored (nohup, a background job), its child processes ignore SIGINT
     * too, and SIGTERM is sent in its place.
     *
     * @return the signal that was sent
     */
    String interrupt() throws IOException, InterruptedException {
        boolean ignored = Files.readAllLines(Path.of("/proc/" + pid() + "/status")).stream()
                .filter(line -> line.startsWith("SigIgn:"))
                .anyMatch(line -> (Long.parseUnsignedLong(line.substring(7).strip(), 16) & 0b10) != 0);
        String sent = ignored ? "TERM" : "INT";
        signal(sent);
        return sent;
    }

    /** Lines of standard output. */
    public List<String> out() {
        synchronized (events) {
            return List.copyOf(out);
        }
    }

    public String err() {
        synchronized (err) {
            return err.toString();
        }
    }

    static boolean listens(String host, int port) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(host, port), 1000);
            return true;
        } catch (IOException _) {
            return false;
        }
    }

    /** Asks the control port, once a {@code run} has printed its address; other commands have none. */
    private String flightRecord() {
        String control = events("starting").stream()
                .map(one -> one.getString("control"))
                .findFirst()
                .orElse(null);
        if (control == null || !isAlive()) {
            return "(none)";
        }
        return prefix.isEmpty()
                ? String.valueOf(ControlClient.ask(
                        ControlAddress.parse(control), new JsonObject().put("ask", "dump"), Duration.ofSeconds(10)))
                : dumpFrom(control);
    }

    /** Asks from the host of the process, because its control port may be unreachable from other hosts. */
    private String dumpFrom(String control) {
        List<String> command = new ArrayList<>(prefix);
        command.addAll(JvmCommand.likeThisJvm()
                .shortLived()
                .with("-Dmuster.log.level=WARN")
                .runMain(List.of("dump", "--control", control))
                .command());
        try {
            Process dump = new ProcessBuilder(command).redirectErrorStream(true).start();
            String said = new String(dump.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            dump.waitFor();
            return said;
        } catch (IOException | InterruptedException failure) {
            return "(none: " + failure + ")";
        }
    }

    /**
     * The stack of every thread of the process: first the platform threads with the locks that they hold, then all
     * threads, virtual ones included, on which the operations of the store wait.
     */
    String threads() {
        if (!isAlive()) {
            return "(the process has ended)";
        }
        Path file = null;
        try {
            if (isStopped()) {
                return "(the process is stopped)";
            }
            file = Files.createTempFile("threads", ".txt");
            String platform = jcmd("Thread.print", "-l");
            String said = jcmd("Thread.dump_to_file", "-overwrite", file.toString());
            return platform + "\n" + (Files.size(file) > 0 ? Files.readString(file) : said);
        } catch (IOException failure) {
            return "(none: " + failure + ")";
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return "(none: interrupted)";
        } finally {
            delete(file);
        }
    }

    /** True if SIGSTOP stopped it: then it would not answer, and the request for its threads would leave a file. */
    private boolean isStopped() throws IOException {
        return Files.readAllLines(Path.of("/proc/" + pid() + "/status")).stream()
                .anyMatch(line -> line.startsWith("State:") && line.contains("T (stopped)"));
    }

    private static void delete(@Nullable Path file) {
        try {
            if (file != null) {
                Files.deleteIfExists(file);
            }
        } catch (IOException _) {
            // a small file in the temporary folder
        }
    }

    /** Waits for a bounded time only. */
    private String jcmd(String... question) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "jcmd").toString());
        command.add(String.valueOf(pid()));
        command.addAll(List.of(question));
        Process jcmd = new ProcessBuilder(command).redirectErrorStream(true).start();
        try {
            var said = CompletableFuture.supplyAsync(
                    () -> readAll(jcmd), task -> Thread.ofVirtual().start(task));
            return said.get(JCMD_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException _) {
            return "(no answer to " + String.join(" ", question) + " after " + JCMD_SECONDS + " s)";
        } catch (ExecutionException failure) {
            throw new IOException(failure.getCause());
        } finally {
            jcmd.destroyForcibly();
        }
    }

    private static String readAll(Process process) {
        try {
            return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    @Override
    public void close() {
        FlightRecordWhenItFails.forget(this);
        process.destroyForcibly().onExit().join();
    }

    @Override
    public String toString() {
        return "muster " + name + "\n--- out\n" + String.join("\n", out()) + "\n--- err\n" + err();
    }

    private void readOut() {
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                synchronized (events) {
                    out.add(line);
                    if (line.startsWith("{")) {
                        events.add(new JsonObject(line));
                    }
                    events.notifyAll();
                }
            }
        } catch (IOException | DecodeException _) {
            // killed in the middle of a line
        }
    }

    private void readErr() {
        try (BufferedReader lines = process.errorReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                synchronized (err) {
                    err.append(line).append('\n');
                }
            }
        } catch (IOException _) {
            // killed
        }
    }
}
