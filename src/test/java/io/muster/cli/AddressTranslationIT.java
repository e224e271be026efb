// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Two hosts and a router between them (network namespaces), which translates a public address to that of the inner host
 * (DNAT). Skipped where this user may not create them.
 */
@Timeout(120)
final class AddressTranslationIT {
    private static final String NAME = "mnat" + ProcessHandle.current().pid() % 100_000;
    private static final String INSIDE = NAME + "i";
    private static final String ROUTER = NAME + "r";
    private static final String OUTSIDE = NAME + "o";
    private static final String PUBLIC = "10.214.2.100";
    private static final String OUTER = "10.214.2.2";

    @TempDir
    private static Path temp;

    private final List<MusterCommand> owned = new ArrayList<>();

    @BeforeAll
    @Timeout(300) // recording the start takes much processor time, once after a build
    static void connectTheHosts() throws Exception {
        String trouble = Shell.trouble(
                "ip netns add " + INSIDE,
                "ip netns add " + ROUTER,
                "ip netns add " + OUTSIDE,
                "ip link add in netns " + ROUTER + " type veth peer name veth0 netns " + INSIDE,
                "ip link add out netns " + ROUTER + " type veth peer name veth0 netns " + OUTSIDE,
                "ip -n " + INSIDE + " addr add 10.214.1.2/24 dev veth0",
                "ip -n " + ROUTER + " addr add 10.214.1.1/24 dev in",
                "ip -n " + ROUTER + " addr add 10.214.2.1/24 dev out",
                "ip -n " + ROUTER + " addr add " + PUBLIC + "/24 dev out",
                "ip -n " + OUTSIDE + " addr add " + OUTER + "/24 dev veth0",
                "ip -n " + INSIDE + " link set lo up",
                "ip -n " + OUTSIDE + " link set lo up",
                "ip -n " + INSIDE + " link set veth0 up",
                "ip -n " + OUTSIDE + " link set veth0 up",
                "ip -n " + ROUTER + " link set in up",
                "ip -n " + ROUTER + " link set out up",
                "ip -n " + INSIDE + " route add default via 10.214.1.1",
                "ip netns exec " + ROUTER + " sysctl -q -w net.ipv4.ip_forward=1",
                "ip netns exec " + ROUTER + " iptables -t nat -A PREROUTING -d " + PUBLIC
                        + " -j DNAT --to-destination 10.214.1.2",
                "ip netns exec " + ROUTER + " iptables -t nat -A POSTROUTING -s 10.214.1.2 -o out -j SNAT --to-source "
                        + PUBLIC);
        assumeTrue(trouble.isEmpty(), "no translated addresses here (needs root, iproute2 and iptables): " + trouble);
        MusterCommand.recordTheStart();
    }

    @AfterEach
    void killAll() {
        owned.forEach(MusterCommand::close);
    }

    @AfterAll
    static void takeThemApart() throws Exception {
        for (String host : List.of(INSIDE, ROUTER, OUTSIDE)) {
            Shell.trouble("ip netns del " + host);
        }
    }

    @ParameterizedTest(name = "the founder is inside: {0}")
    @ValueSource(booleans = {true, false})
    void ranksOnBothSidesOfTheTranslationConnect(boolean founderInside) throws Exception {
        String members = founderInside ? PUBLIC + "," + OUTER : OUTER + "," + PUBLIC;
        MusterCommand inner = start(INSIDE, 0, members, "--bind", "0.0.0.0", "--advertise", PUBLIC);
        MusterCommand outer = start(OUTSIDE, 1, members, "--bind", OUTER);

        for (MusterCommand rank : List.of(inner, outer)) {
            assertThat(rank.allConnectedAfter(0).getInteger("worldSize")).isEqualTo(2);
            assertThat(rank.err()).as(rank::toString).doesNotContain("Exception", " ERROR ", "muster: ");
        }
    }

    private MusterCommand start(String host, int rank, String members, String... more) throws IOException {
        List<String> arguments = new ArrayList<>(List.of(
                "run",
                "--group",
                "g",
                "--rank",
                String.valueOf(rank),
                "--world-size",
                "2",
                "--members",
                members,
                "--json",
                "--while-stdin-open"));
        arguments.addAll(List.of(more));
        MusterCommand command =
                MusterCommand.start(List.of("ip", "netns", "exec", host), temp, arguments.toArray(String[]::new));
        owned.add(command);
        return command;
    }

    /** Empty if it worked, else the reason. */
}
