// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/** No stack trace reaches a user of the command line, unless they ask for it. */
@Timeout(40)
final class LogLinesTest { // O-4
    /** Logs an exception with a cause, and lets a thread fail. */
    static final class Node {
        private Node() {}

        public static void main(String[] arguments) throws InterruptedException {
            Main.prepareLog();
            LoggerFactory.getLogger("io.vertx.Some")
                    .error("it failed", new IllegalStateException("outer", new IOException("inner")));
            LoggerFactory.getLogger("io.vertx.Some").warn("no exception");
            Thread thread = Thread.ofPlatform().name("t").start(() -> {
                throw new IllegalStateException("a bug");
            });
            thread.join();
        }
    }

    @Test
    void anExceptionIsOneLine() throws Exception {
        List<String> lines = run("0");

        assertThat(lines).hasSize(3);
        assertThat(lines.get(0))
                .contains("ERROR Some it failed java.lang.IllegalStateException: outer", "java.io.IOException: inner");
        assertThat(lines.get(1).stripTrailing()).endsWith("WARN  Some no exception");
        assertThat(lines.get(2))
                .isEqualTo(
                        "muster: thread t failed: java.lang.IllegalStateException: a bug (MUSTER_DEBUG=1 shows where)");
    }

    @Test
    void debugShowsTheStackTraces() throws Exception {
        assertThat(run("1")).filteredOn(line -> line.startsWith("\tat ")).hasSizeGreaterThan(1);
    }

    private static List<String> run(String debug) throws IOException, InterruptedException {
        var builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Node.class.getName());
        builder.environment().put("MUSTER_DEBUG", debug);
        Process process = builder.start();
        String text = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return text.lines().toList();
    }
}
