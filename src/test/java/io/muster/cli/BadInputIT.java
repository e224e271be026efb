// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A mistake that a real process meets is one sentence on standard error, with exit code 2; no process is left. */
@Timeout(60)
final class BadInputIT { // O-1, O-4
    private static final String RUN = "run --group g --control-port 0 --hazelcast-port 0 ";

    @TempDir
    private static Path temp;

    private record Mistake(String command, String... words) {
        @Override
        public String toString() {
            return command;
        }
    }

    static Stream<Mistake> mistakes() {
        return Stream.of(
                new Mistake("dance", "unknown command 'dance'", "commands are demo, run, status"),
                new Mistake(
                        RUN + "--rank 0 --world-size 1 --bind 192.0.2.1",
                        "no interface of this host has the address 192.0.2.1"),
                new Mistake(
                        RUN + "--rank 0 --world-size 1 --members 192.0.2.1:7600",
                        "127.0.0.1, which the member 192.0.2.1:7600 can't reach"),
                new Mistake(
                        "run --group g --rank 0 --world-size 1 --control-port -1",
                        "endpoint.controlPort must not be off"),
                new Mistake(
                        "run --group g --rank 0 --world-size 1 --hazelcast-port 0 --control-port BUSY",
                        "can't open control port",
                        "another process listens on port BUSY"),
                new Mistake(
                        RUN + "--rank 0 --world-size 1 --port BUSY",
                        "can't open data port",
                        "another process listens on port BUSY"),
                new Mistake(
                        "run --group g --rank 0 --world-size 1 --control-port 0 --hazelcast-port BUSY",
                        "can't start Hazelcast on 127.0.0.1:BUSY",
                        "another process listens on port BUSY"));
    }

    @BeforeAll
    @Timeout(300) // recording the start takes much processor time, once after a build
    static void recordTheStart() throws Exception {
        MusterCommand.recordTheStart();
    }

    @ParameterizedTest
    @MethodSource("mistakes")
    void badInputIsAnsweredWithOneSentence(Mistake mistake) throws Exception {
        try (ServerSocket busy = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String port = String.valueOf(busy.getLocalPort());
            try (MusterCommand command = MusterCommand.start(
                    temp, mistake.command().replace("BUSY", port).split(" "))) {
                assertThat(command.awaitExit()).as(command::toString).isEqualTo(2);
                assertOneSentence(command);
                for (String word : mistake.words()) {
                    assertThat(command.err()).contains(word.replace("BUSY", port));
                }
            }
        }
    }

    @Test
    void anUnknownSettingIsNamedWithItsFile() throws Exception {
        Path file = Files.writeString(temp.resolve("wrong.yaml"), "endpoint:\n  bindd: 127.0.0.1\nbarier: {}\n");
        try (MusterCommand command =
                MusterCommand.start(temp, (RUN + "--rank 0 --world-size 1 --config " + file).split(" "))) {
            assertThat(command.awaitExit()).isEqualTo(2);
            assertThat(command.err())
                    .contains(file.toString(), "endpoint.bindd", "barier")
                    .doesNotContain("\tat ");
        }
        Files.delete(file);
    }

    static void assertOneSentence(MusterCommand command) throws Exception {
        assertThat(command.err().lines())
                .as(command::toString)
                .singleElement()
                .asString()
                .startsWith("muster: ")
                .hasSizeLessThan(400);
        assertThat(ProcessHandle.of(command.pid())).isEmpty();
        try (Stream<Path> left = Files.list(temp)) {
            assertThat(left).isEmpty();
        }
    }
}
