// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;

/**
 * A command in a JVM of its own that prints JSON lines. The lines of its standard output are passed on as events. The
 * last lines of its standard error are kept for the message if it fails. The child ends when this process dies, because
 * its standard input ends then.
 */
public final class ChildProcess {
    private static final int KEPT_LINES = 20;

    private final Process process;
    private final List<Integer> ranks;
    private final Deque<String> lastLines = new ArrayDeque<>();

    /** An event of a child. */
    public sealed interface News {
        /** The child has printed one line on standard output. */
        record Event(JsonObject body) implements News {}

        /** The child has ended, and everything that it printed has been passed on. */
        record Ended(int exitCode) implements News {}
    }

    private ChildProcess(Process process, List<Integer> ranks) {
        this.process = process;
        this.ranks = List.copyOf(ranks);
    }

    /** @param news called on threads of this child, in order; Ended comes last, once */
    static ChildProcess start(ProcessBuilder command, List<Integer> ranks, BiConsumer<ChildProcess, News> news)
            throws IOException {
        var child = new ChildProcess(command.start(), ranks);
        Thread errors = Thread.ofVirtual().start(child::readErrors);
        Thread.ofVirtual().start(() -> child.readEvents(errors, news));
        return child;
    }

    public List<Integer> ranks() {
        return ranks;
    }

    public long pid() {
        return process.pid();
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    /**
     * Says that it has ended, why, and what to do, in one sentence and without a stack trace. With
     * {@code MUSTER_DEBUG=1} its last lines follow.
     *
     * @param exitCode as {@link News.Ended} has it
     */
    public String ended(int exitCode) {
        List<String> lines;
        synchronized (lastLines) {
            lines = List.copyOf(lastLines);
        }
        return "the process " + (ranks.isEmpty() ? "" : "of ranks " + ranks + " ") + "(pid " + pid()
                + ") has ended with exit code " + exitCode + ": " + ChildEnd.why(exitCode, lines)
                + ("1".equals(System.getenv("MUSTER_DEBUG"))
                        ? lines.stream()
                                .map(line -> System.lineSeparator() + "  " + line)
                                .collect(Collectors.joining())
                        : "");
    }

    /** Writes one line to its standard input; the line is lost if the child has ended. */
    void send(JsonObject command) {
        try {
            process.getOutputStream()
                    .write((command.encode() + System.lineSeparator()).getBytes(StandardCharsets.UTF_8));
            process.getOutputStream().flush();
        } catch (IOException _) {
            // the child has ended: the caller that waits for the result receives Ended
        }
    }

    /** Processor time that it has used, in the steps that the system counts. */
    Duration cpu() {
        return process.info().totalCpuDuration().orElse(Duration.ZERO);
    }

    /** As {@code kill -9}. */
    public void kill() {
        process.destroyForcibly();
    }

    /** Sends a signal such as {@code STOP} or {@code CONT}; no effect if the child has ended. */
    public void signal(String signal) {
        try {
            new ProcessBuilder("kill", "-" + signal, String.valueOf(pid()))
                    .redirectErrorStream(true)
                    .redirectOutput(Redirect.DISCARD)
                    .start()
                    .waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException("can't send SIG" + signal + " to pid " + pid() + ": " + e.getMessage(), e);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /** Asks the child to end in order; returns at once. */
    public void askToEnd() {
        try {
            process.getOutputStream().close();
        } catch (IOException _) {
            // the child has ended already
        }
    }

    /** Waits for its end, and kills it after the given time. */
    void awaitEnd(long patienceMs) {
        try {
            if (!process.waitFor(Math.max(0, patienceMs), TimeUnit.MILLISECONDS)) {
                kill();
                process.waitFor(1, TimeUnit.SECONDS); // a killed process is gone within milliseconds
            }
        } catch (InterruptedException _) {
            kill();
            Thread.currentThread().interrupt();
        }
    }

    private void readEvents(Thread errors, BiConsumer<ChildProcess, News> news) {
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                try {
                    news.accept(this, new News.Event(new JsonObject(line)));
                } catch (DecodeException _) {
                    keep(line);
                }
            }
        } catch (IOException _) {
            // killed: output that was not flushed is lost
        }
        try {
            int exitCode = process.waitFor();
            errors.join();
            news.accept(this, new News.Ended(exitCode));
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void readErrors() {
        try (BufferedReader lines = process.errorReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                keep(line);
            }
        } catch (IOException _) {
            // killed
        }
    }

    private void keep(String line) {
        synchronized (lastLines) {
            lastLines.add(line);
            if (lastLines.size() > KEPT_LINES) {
                lastLines.removeFirst();
            }
        }
    }
}
