// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.TestNames;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import picocli.CommandLine;

@Timeout(60)
class DoctorCommandTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... arguments) {
        return new CommandLine(new DoctorCommand())
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .execute(arguments);
    }

    @Test
    void exitsWithZeroWithOrWithoutGpus() { // W-8
        assertThat(run("--bind", "127.0.0.1")).isZero();
        assertThat(out.toString())
                .contains(
                        "jdk",
                        "bind 127.0.0.1: publishes 127.0.0.1",
                        "libcuda",
                        "fabric",
                        "attribute-rule",
                        "MC_USE_NVLINK_IPC");
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void printsOneJsonObjectAndNothingElse() {
        assertThat(run("--json")).isZero();
        assertThat(out.toString().strip().lines()).hasSize(1);
        assertThat(new JsonObject(out.toString()).getJsonArray("findings")).isNotEmpty();
    }

    @Test
    void exitsWithTwoForABusyPort() throws IOException {
        try (ServerSocket busy = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertThat(run("--bind", "127.0.0.1", "--port", String.valueOf(busy.getLocalPort())))
                    .isEqualTo(2);
            assertThat(out.toString()).contains("FAIL port           " + busy.getLocalPort() + " can't be bound");
        }
    }

    @Test
    void exitsWithTwoForAnAddressOfNoInterface() {
        assertThat(run("--bind", "203.0.113.77")).isEqualTo(2); // TEST-NET-3
        assertThat(out.toString()).contains("no interface of this host has this address");
    }

    /** What {@code run} refuses, and what it would wait for, is found before. */
    @Test
    void triesWhatRunWouldDo() {
        TestNames.put("node1.test", "127.0.1.1");
        TestNames.put("node2.test", "127.0.0.2", "127.0.0.3");

        assertThat(run("--bind", "::1")).as(out.toString()).isZero();
        assertThat(out.toString()).containsPattern("OK   start +a process starts here .* listens on ::1, ");
        assertThat(run("--bind", "0.0.0.0")).isEqualTo(2);
        assertThat(out.toString()).containsPattern("FAIL start +.*endpoint.advertise must be set");
        assertThat(run("--bind", "127.0.0.1", "--control-port", "1", "--members", "node1.test:1,node2.test:1"))
                .isZero();
        assertThat(out.toString())
                .contains(
                        "node1.test resolves to 127.0.1.1 here, but this process listens on 127.0.0.1",
                        "nothing listens on node2.test:1 yet (127.0.0.2: Connection refused; 127.0.0.3: Connection"
                                + " refused)");
        assertThat(run("--bind", "node1.test", "--members", "node1.test,198.51.100.2"))
                .isEqualTo(2);
        assertThat(out.toString()).contains("would listen on 127.0.1.1 (to which this host resolves node1.test)");
    }

    @Test
    void exitsWithTwoAndOneSentenceForWrongArguments() {
        assertThat(run("--port", "70000")).isEqualTo(2);
        assertThat(run("--warmup", "sometimes")).isEqualTo(2);
        assertThat(err.toString())
                .contains("--port must be 1 to 65535, got 70000")
                .contains("sometimes");
        assertThat(out.toString()).isEmpty();
    }
}
