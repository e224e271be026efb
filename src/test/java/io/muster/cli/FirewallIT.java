// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three hosts around a router that passes only packets of connections that it remembers. Skipped where this user may
 * not create network namespaces, or where iptables or conntrack is missing.
 */
@Timeout(150)
final class FirewallIT {
    private static final String NAME = "musterfw" + ProcessHandle.current().pid() % 100_000;
    private static final String ROUTER = NAME + "r";
    private static final String ON_ROUTER = "ip netns exec " + ROUTER + " ";
    private static final int HOSTS = 3;
    private static final String MEMBERS = "10.213.81.2:7600,10.213.82.2:7600,10.213.83.2:7600";
    /** What conntrack prints of a connection: seconds left, and the ports as the dialling end sees them. */
    private static final Pattern ENTRY =
            Pattern.compile("tcp +6 +(\\d+) ESTABLISHED src=\\S+ dst=\\S+ sport=(\\d+) dport=(\\d+)");

    @TempDir
    private static Path temp;

    /** What the kernel gives a connection with bytes under way, in place of days: not the idle one. */
    private static final long UNACKNOWLEDGED_S = 300;

    private final List<MusterCommand> owned = new ArrayList<>();

    @BeforeAll
    @Timeout(300) // recording the start takes much processor time, once after a build
    static void build() throws Exception {
        String trouble = Shell.trouble("ip netns add " + ROUTER);
        assumeTrue(trouble.isEmpty(), "no network namespaces here (needs root and iproute2): " + trouble);
        String router = "ip -n " + ROUTER;
        for (int host = 1; host <= HOSTS; host++) {
            String name = NAME + host;
            String on = "ip -n " + name;
            String net = "10.213.8" + host;
            trouble += Shell.trouble(
                    "ip netns add " + name,
                    on + " link set lo up",
                    on + " link add eth0 type veth peer name p" + host + " netns " + ROUTER,
                    router + " addr add " + net + ".1/24 dev p" + host,
                    router + " link set p" + host + " up",
                    on + " addr add " + net + ".2/24 dev eth0",
                    on + " link set eth0 up",
                    on + " route add default via " + net + ".1");
        }
        trouble += Shell.trouble(
                ON_ROUTER + "sysctl -qw net.ipv4.ip_forward=1",
                ON_ROUTER + "iptables -P FORWARD DROP",
                ON_ROUTER + "iptables -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT",
                ON_ROUTER + "iptables -A FORWARD -p tcp --syn -m conntrack --ctstate NEW -j ACCEPT",
                ON_ROUTER + "sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0",
                ON_ROUTER + "conntrack -F");
        assumeTrue(trouble.isEmpty(), "no stateful firewall here (needs iptables and conntrack): " + trouble);
        MusterCommand.recordTheStart();
    }

    @AfterEach
    void killAll() {
        owned.forEach(MusterCommand::close);
    }

    @AfterAll
    static void takeApart() throws Exception {
        Shell.trouble("ip netns del " + ROUTER);
        for (int host = 1; host <= HOSTS; host++) {
            Shell.trouble("ip netns del " + NAME + host);
        }
    }

    @Test // P-9, P-12
    void aForgottenBulkConnectionIsFoundBeforeAllConnected() throws Exception {
        Path settings = temp.resolve("muster.yaml");
        Files.writeString(settings, "transport:\n  keepaliveMs: 3600000\n  writeTimeoutMs: 3000\n");
        MusterCommand first = start(0, "--config", settings.toString());
        MusterCommand second = start(1, "--config", settings.toString());
        for (MusterCommand rank : List.of(first, second)) {
            rank.await("peer-state", one -> "warmup".equals(one.getString("proof")));
        }
        Thread.sleep(5_000); // the idle time itself, longer than the liveness limit
        forgetTheIdleConnection();
        first.forgetEvents();

        start(2, "--config", settings.toString()).allConnectedAfter(0);

        JsonObject lost = first.await(
                "peer-state", one -> one.getInteger("peer") == 1 && "CONNECTED".equals(one.getString("from")));
        assertThat(lost.getString("reason"))
                .as(lost::encode)
                .contains("STALLED", "while its control connection is alive");
        JsonObject connected = first.allConnectedAfter(0);
        assertThat(connected.getLong("epoch")).isEqualTo(1);
        List<JsonObject> events = first.recentEvents("all-connected");
        assertThat(events).as("not told over the dead path").hasSize(1);
        assertThat(first.recentEvents("degraded")).isEmpty();
    }

    /** Of the two connections to the data port, the control connection carries the liveness messages. */
    private static void forgetTheIdleConnection() throws Exception {
        String table = Shell.said(ON_ROUTER + "conntrack -L -p tcp");
        String idle = null;
        long least = Long.MAX_VALUE;
        List<String> ports = new ArrayList<>();
        for (Matcher entry = ENTRY.matcher(table); entry.find(); ) {
            if (!List.of("5701", "7600").contains(entry.group(3))) {
                ports.add(entry.group());
                long left = Long.parseLong(entry.group(1));
                if (left > UNACKNOWLEDGED_S && left < least) {
                    least = left;
                    idle = entry.group(2);
                }
            }
        }
        assertThat(ports).as(table).hasSizeGreaterThanOrEqualTo(2);
        assertThat(Shell.trouble(ON_ROUTER + "conntrack -D -p tcp --sport " + idle))
                .as(table)
                .isEmpty();
    }

    private MusterCommand start(int rank, String... more) throws IOException {
        List<String> arguments = new ArrayList<>(List.of(
                "run",
                "--group",
                "g",
                "--rank",
                String.valueOf(rank),
                "--world-size",
                String.valueOf(HOSTS),
                "--bind",
                "10.213.8" + (rank + 1) + ".2",
                "--members",
                MEMBERS,
                "--json",
                "--while-stdin-open"));
        arguments.addAll(List.of(more));
        MusterCommand command = MusterCommand.start(
                List.of("ip", "netns", "exec", NAME + (rank + 1)), temp, arguments.toArray(String[]::new));
        owned.add(command);
        return command;
    }
}
