// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.Eventually;
import io.muster.cluster.ControlAddress;
import io.muster.cluster.ControlClient;
import io.muster.launch.JvmCommand;
import io.muster.options.MusterOptions;
import io.vertx.core.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A process whose supervisor does not read its standard output. */
@Timeout(180)
final class UnreadOutputIT {
    /** Their transitions need far more than the 64 KiB of a pipe. */
    private static final int WORLD = 24;

    @TempDir
    private static Path temp;

    @Test
    void aFullPipeStopsNoEventLoopAndNoLineIsTorn() throws Exception {
        List<Integer> ports = MusterCommand.freePorts(2);
        String members = "127.0.0.1:" + ports.get(0) + ",127.0.0.1:" + ports.get(1);
        Process unread = unread(ports.get(0), members);
        try (var reader = unread.inputReader();
                MusterCommand other = MusterCommand.start(temp, run(ports.get(1), members, "12-23"))) {
            other.allConnectedAfter(0);
            var asked = new ControlAddress("127.0.0.1", ports.get(0));
            JsonObject status = ControlQuestion.body(
                    asked, ControlClient.ask(asked, new JsonObject().put("ask", "status"), Duration.ofSeconds(20)));
            assertThat(status.getJsonArray("groups").getJsonObject(0).getInteger("processes"))
                    .isEqualTo(2);
            int bytes = 0;
            String event = "";
            List<String> torn = new ArrayList<>();
            while (!event.equals("all-connected")) {
                String line = next(reader);
                bytes += line.length();
                if (line.startsWith("{") && line.endsWith("}")) {
                    event = new JsonObject(line).getString("event");
                } else {
                    torn.add(line);
                }
            }
            assertThat(torn).isEmpty();
            assertThat(bytes).as("more than a pipe holds").isGreaterThan(100_000);
        } finally {
            unread.destroy();
            if (!unread.waitFor(30, TimeUnit.SECONDS)) {
                unread.destroyForcibly();
            }
        }
    }

    @Test
    void aSignalEndsAProcessWhosePipeIsFullInTime() throws Exception {
        List<Integer> ports = MusterCommand.freePorts(2);
        String members = "127.0.0.1:" + ports.get(0) + ",127.0.0.1:" + ports.get(1);
        Process unread = unread(ports.get(0), members);
        try (MusterCommand other = MusterCommand.start(temp, run(ports.get(1), members, "12-23"))) {
            other.allConnectedAfter(0);
            Eventually.holds("the pipe, which takes 64 KiB, is full", () -> available(unread) > 60_000);
            long startNanos = System.nanoTime();
            unread.destroy(); // SIGTERM
            assertThat(unread.waitFor(60, TimeUnit.SECONDS)).as("it ends").isTrue();
            assertThat(unread.exitValue()).isZero();
            assertThat(Duration.ofNanos(System.nanoTime() - startNanos))
                    .as("the budget of an orderly end is shutdown.timeoutMs, and a second for the JVM")
                    .isLessThan(Duration.ofMillis(
                            MusterOptions.defaults().shutdown().timeoutMs() + 1_000L));
            JsonObject degraded = other.await("degraded", _ -> true);
            assertThat(degraded.encode()).as("an orderly end").contains("LEFT");
        } finally {
            unread.destroyForcibly();
        }
    }

    private static int available(Process process) {
        try {
            return process.getInputStream().available();
        } catch (IOException closed) {
            throw new UncheckedIOException(closed);
        }
    }

    private static String next(BufferedReader reader) throws Exception {
        String line = reader.readLine();
        assertThat(line).as("the output goes on").isNotNull();
        return line;
    }

    /** A process with the first half of the ranks, of whose output nobody reads a line. */
    private static Process unread(int port, String members) throws IOException {
        return JvmCommand.likeThisJvm()
                .shortLived()
                .with("-Djava.io.tmpdir=" + temp)
                .runMain(List.of(run(port, members, "0-11")))
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    private static String[] run(int port, String members, String ranks) {
        return new String[] {
            "run",
            "--group=g",
            "--ranks=" + ranks,
            "--world-size=" + WORLD,
            "--members=" + members,
            "--control-port=" + port,
            "--hazelcast-port=0",
            "--json"
        };
    }
}
