// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Two hosts: two network namespaces that a veth pair connects. Skipped where this user may not create them. */
@Timeout(90)
final class NetworkNamespaceIT {
    private static final String NAME = "muster" + ProcessHandle.current().pid() % 100_000;
    private static final List<String> HOSTS = List.of(NAME + "a", NAME + "b");
    private static final List<String> ADDRESSES = List.of("10.213.77.1", "10.213.77.2");
    private static final String MEMBERS = "10.213.77.1:7600,10.213.77.2:7600";

    @TempDir
    private static Path temp;

    private final List<MusterCommand> owned = new ArrayList<>();

    @BeforeAll
    @Timeout(300) // recording the start takes much processor time, once after a build
    static void joinTwoHosts() throws Exception {
        String trouble = Shell.trouble("ip netns add " + HOSTS.get(0));
        assumeTrue(trouble.isEmpty(), "no network namespaces here (needs root and iproute2): " + trouble);
        trouble = Shell.trouble(
                "ip netns add " + HOSTS.get(1),
                "ip link add veth0 netns " + HOSTS.get(0) + " type veth peer name veth0 netns " + HOSTS.get(1));
        for (int host = 0; host < 2; host++) {
            String on = "ip -n " + HOSTS.get(host);
            trouble += Shell.trouble(
                    on + " addr add " + ADDRESSES.get(host) + "/24 dev veth0",
                    on + " link set veth0 up",
                    on + " link set lo up");
        }
        assumeTrue(trouble.isEmpty(), "no virtual network devices here: " + trouble);
        MusterCommand.recordTheStart();
    }

    @AfterEach
    void killAll() {
        owned.forEach(MusterCommand::close);
    }

    /** The kernel removes the veth pair with the namespaces, and a namespace when its last process has ended. */
    @AfterAll
    static void takeThemApart() throws Exception {
        for (String host : HOSTS) {
            Shell.trouble("ip netns del " + host);
        }
    }

    @Test
    void ranksOnTwoHostsConnect() throws Exception {
        MusterCommand first = run(0);
        MusterCommand second = run(1);

        for (MusterCommand rank : List.of(first, second)) {
            JsonObject connected = rank.allConnectedAfter(0);
            assertThat(connected.getJsonObject("paths")).isEqualTo(new JsonObject().put("warmup", 1));
            assertThat(rank.err()).as(rank::toString).doesNotContain("Exception", " ERROR ", "muster");
        }
    }

    @Test
    void aLoopbackAddressOfAnotherHostIsRefusedWithAHint() throws Exception {
        MusterCommand first = run(0, "--deadline", "3s");
        MusterCommand second = run(1, "--advertise", "127.0.0.1");
        second.await("published", _ -> true);

        assertThat(first.awaitExit()).as(first::toString).isEqualTo(3);

        JsonObject missing = first.events("report").getFirst().getJsonArray("missing").stream()
                .map(JsonObject.class::cast)
                .filter(one -> one.getInteger("rank") == 1)
                .findFirst()
                .orElseThrow();
        assertThat(missing.getString("lastError"))
                .as(missing::encodePrettily)
                .contains(
                        "on another host",
                        "publishes the address 127.0.0.1",
                        "start it with --bind (or endpoint.advertise) set to an address that others reach");
        assertThat(missing.getString("phase")).isEqualTo("REFUSED");
    }

    @Test
    void aProcessThatListensOnLoopbackOnlyFailsAtItsStart() throws Exception {
        MusterCommand second = start(1, "--bind", "127.0.0.1");

        assertThat(second.awaitExit()).as(second::toString).isEqualTo(2);
        assertThat(second.err().lines())
                .singleElement()
                .asString()
                .startsWith(
                        "muster: this process would listen on 127.0.0.1, which the member 10.213.77.1:7600 can't reach");
    }

    private MusterCommand run(int rank, String... more) throws IOException {
        List<String> arguments = new ArrayList<>(List.of("--bind", ADDRESSES.get(rank)));
        arguments.addAll(List.of(more));
        return start(rank, arguments.toArray(String[]::new));
    }

    private MusterCommand start(int rank, String... more) throws IOException {
        List<String> arguments = new ArrayList<>(List.of(
                "run",
                "--group",
                "g",
                "--rank",
                String.valueOf(rank),
                "--world-size",
                "2",
                "--members",
                MEMBERS,
                "--json",
                "--while-stdin-open"));
        arguments.addAll(List.of(more));
        MusterCommand command = MusterCommand.start(
                List.of("ip", "netns", "exec", HOSTS.get(rank)), temp, arguments.toArray(String[]::new));
        owned.add(command);
        return command;
    }

    /** Empty if it worked, else the reason. */
}
