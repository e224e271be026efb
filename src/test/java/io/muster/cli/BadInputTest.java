// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

/**
 * Wrong arguments are one sentence on standard error before anything is started. {@link BadInputIT} has the mistakes
 * that only real processes meet.
 */
@Timeout(20)
final class BadInputTest { // O-1, O-4
    private static final String RUN = "run --group g --control-port 0 --hazelcast-port 0 ";

    private record Mistake(String command, String... words) {
        @Override
        public String toString() {
            return command;
        }
    }

    static Stream<Mistake> mistakes() {
        return Stream.of(
                new Mistake("dance", "unknown command 'dance'", "commands are demo, run, status"),
                new Mistake("demo --rank 3", "unknown option '--rank'"),
                new Mistake("demo --ranks three", "--ranks", "'three' is not an int"),
                new Mistake("demo --ranks 0", "--ranks must be 1 to"),
                new Mistake("demo --ranks 2 --processes 3", "--processes must be 1 to 2"),
                new Mistake("demo --missing 4", "--missing 4 is outside the world size 4", "0..3"),
                new Mistake("demo --restart -1", "--restart -1 is outside the world size 4"),
                new Mistake("demo --restart 0 --processes 1", "needs a second process"),
                new Mistake("demo --restart 0 --missing 1", "use one of them"),
                new Mistake("demo --deadline soon", "'soon' is not a valid duration", "500ms, 20s or 2m"),
                new Mistake(
                        "demo --warmup often", "warmup.mode must be one of auto, exchange, skip, fabric", "'often'"),
                new Mistake("demo --fabric here", "warmup.fabric", "CLUSTERUUID/CLIQUE"),
                new Mistake("status --control 127.0.0.1:x", "'x' in '127.0.0.1:x' is not a port number"),
                new Mistake("status --contrl 127.0.0.1", "unknown option '--contrl'"),
                new Mistake("doctor --port 70000", "--port must be 1 to 65535"),
                new Mistake("bench connect --processes 0", "--processes must be 1 to 64, got 0"),
                new Mistake("bench connect --mode hot --join", "--join belongs to --mode late"),
                new Mistake("run --rank 0 --world-size 1", "--group"),
                new Mistake(RUN + "--rank 2 --world-size 2", "rank 2 is outside the world size 2", "0..1"),
                new Mistake(RUN + "--ranks 1-0 --world-size 2", "goes backwards"),
                new Mistake(
                        "run --group g --rank 0 --world-size 1 --control-port 17700 --hazelcast-port 17700",
                        "endpoint.controlPort and hazelcast.port are both 17700",
                        "a port of its own"),
                new Mistake(RUN + "--rank 0 --world-size 0", "world size must be in 1.."),
                new Mistake(RUN + "--rank 0 --world-size 1 --config nowhere.yaml", "nowhere.yaml does not exist"));
    }

    @ParameterizedTest
    @MethodSource("mistakes")
    void badInputIsAnsweredWithOneSentence(Mistake mistake) {
        var out = new StringWriter();
        var err = new StringWriter();
        CommandLine commandLine =
                Main.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));

        assertThat(commandLine.execute(mistake.command().strip().split(" "))).isEqualTo(2);

        assertThat(err.toString().lines())
                .singleElement()
                .asString()
                .startsWith("muster: ")
                .hasSizeLessThan(400)
                .contains(mistake.words());
        assertThat(out.toString()).isEmpty();
    }
}
