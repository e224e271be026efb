// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every end of a child process is one sentence with what to do, and no stack trace. */
@Timeout(20)
final class ChildEndTest { // O-4
    private static final List<String> TRACE = List.of(
            "12:00:00.000 ERROR VertxImpl Failed to join: java.lang.IllegalStateException: subsMapHelper is null",
            "java.lang.IllegalStateException: x",
            "\tat io.vertx.Some.method(Some.java:1)",
            "Caused by: java.lang.NullPointerException",
            "\t... 12 more");

    static Stream<Arguments> ends() {
        return Stream.of(
                Arguments.of(2, List.of("a log line", "muster: no address; use another"), "no address; use another"),
                Arguments.of(1, append(TRACE, "muster: can't; do so"), "can't; do so"),
                Arguments.of(1, TRACE, "java.lang.IllegalStateException: x; set MUSTER_DEBUG=1 to see what it printed"),
                Arguments.of(1, List.of(), "it has printed nothing; set MUSTER_DEBUG=1 to see what it printed"),
                Arguments.of(
                        3,
                        List.of("Terminating due to java.lang.OutOfMemoryError: Java heap space"),
                        "this host or its JVM has too little memory (Terminating due to java.lang.OutOfMemoryError: Java"
                                + " heap space); free memory, or start fewer processes (--processes, --ranks)"),
                Arguments.of(
                        137,
                        List.of(),
                        "it was killed (SIGKILL), as the kernel does where memory is short (see dmesg); free memory, or"
                                + " start fewer processes (--processes, --ranks)"),
                Arguments.of(
                        0, List.of("a log line"), "it was asked to end (SIGTERM or SIGINT), and has left in order"),
                Arguments.of(134, List.of(), "signal 6 ended it; find out who sent it"));
    }

    @ParameterizedTest
    @MethodSource("ends")
    void anEndIsOneSentence(int exitCode, List<String> lines, String why) {
        assertThat(ChildEnd.why(exitCode, lines)).isEqualTo(why).doesNotContain("\n", "\tat ");
    }

    @Test
    void aRealProcessThatFailsSaysWhoAndWhy() throws Exception {
        var ended = new CompletableFuture<String>();

        ChildProcess.start(
                new ProcessBuilder("sh", "-c", "echo 'muster: the port is taken; choose another' >&2; exit 2"),
                List.of(1, 2),
                (child, news) -> {
                    if (news instanceof ChildProcess.News.Ended(int exitCode)) {
                        ended.complete(child.ended(exitCode));
                    }
                });

        assertThat(ended.get(10, TimeUnit.SECONDS))
                .matches("the process of ranks \\[1, 2] \\(pid \\d+\\) has ended with exit code 2: the port is taken;"
                        + " choose another");
    }

    private static List<String> append(List<String> lines, String last) {
        return Stream.concat(lines.stream(), Stream.of(last)).toList();
    }
}
