// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.hazelcast.config.Config;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastInstance;
import io.muster.Eventually;
import io.muster.group.MusterException;
import io.muster.group.MusterException.Kind;
import io.muster.group.ProcessId;
import io.muster.options.MusterHazelcast;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;

@Timeout(value = 40, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ClusterMemberTest {
    private static final ControlAddress LOOPBACK = new ControlAddress("127.0.0.1", 0);

    @Test
    void foundsAnswersAndClosesEverything() {
        ControlPort port = ControlPort.open(LOOPBACK, ControlPort.Limits.DEFAULT);
        String hazelcast;
        try (ClusterMember member =
                ClusterMember.start(port, settings(List.of(), new MusterHazelcast.Bind("127.0.0.1", 0), 20_000))) {
            JsonObject answer = ((ControlClient.Reply.Answered) ask(port)).body();
            hazelcast = answer.getString("hazelcast");
            assertThat(answer.getBoolean("formed")).isTrue();
            assertThat(connects(hazelcast)).isTrue();
            assertThat(member.hazelcast()
                            .getCluster()
                            .getLocalMember()
                            .getAttribute(MusterHazelcast.PROCESS_ID_ATTRIBUTE))
                    .isEqualTo(answer.getString("processId"));
        }
        assertThat(connects(hazelcast)).isFalse();
        assertThat(ask(port)).isInstanceOf(ControlClient.Reply.Refused.class);
    }

    /** IPv6, a name, and every interface: the second process joins at the address that the first one advertises. */
    // K-1
    @ParameterizedTest
    @CsvSource({"::1,''", "localhost,''", "0.0.0.0,127.0.0.1", "::,::1"})
    void twoProcessesJoinOnAnyKindOfAddress(String bind, String advertise) {
        ControlAddress control = new ControlAddress(bind, 0);
        var hazelcast = new MusterHazelcast.Bind(bind, 0, advertise);
        ControlPort first = ControlPort.open(control, ControlPort.Limits.DEFAULT);
        ControlPort second = ControlPort.open(control, ControlPort.Limits.DEFAULT);
        String host = advertise.isEmpty() ? bind : advertise;
        List<ControlAddress> members = List.of(
                new ControlAddress(host, first.address().port()),
                new ControlAddress(host, second.address().port()));
        try (ClusterMember founder = ClusterMember.start(first, settings(members, hazelcast, 20_000));
                ClusterMember joiner = ClusterMember.start(second, settings(members, hazelcast, 20_000))) {
            assertThat(founder.hazelcast().getCluster().getMembers()).hasSize(2);
            assertThat(joiner.hazelcast().getCluster().getMembers()).hasSize(2);
            assertThat(((ControlClient.Reply.Answered) ask(second)).body().getString("hazelcast"))
                    .doesNotContain("0.0.0.0", "[::]", "[0:0:0:0:0:0:0:0]");
        }
    }

    @Test // S-4
    void listensOnTheChosenAddressOnly() throws IOException {
        List<String> others = NetworkInterface.networkInterfaces()
                .flatMap(NetworkInterface::inetAddresses)
                .filter(address -> address instanceof Inet4Address && !address.isLoopbackAddress())
                .map(InetAddress::getHostAddress)
                .toList();
        Assumptions.assumeFalse(others.isEmpty(), "this host has no address but loopback");
        ControlPort port = ControlPort.open(LOOPBACK, ControlPort.Limits.DEFAULT);
        try (ClusterMember member =
                ClusterMember.start(port, settings(List.of(), new MusterHazelcast.Bind("127.0.0.1", 0), 20_000))) {
            int hazelcast = member.hazelcast()
                    .getCluster()
                    .getLocalMember()
                    .getAddress()
                    .getPort();
            assertThat(connects("127.0.0.1:" + hazelcast)).isTrue();
            assertThat(others).noneMatch(other -> connects(other + ":" + hazelcast));
        }
    }

    @Test // O-4
    void saysThatNoInterfaceHasTheAddress() {
        ControlPort port = ControlPort.open(LOOPBACK, ControlPort.Limits.DEFAULT);
        ClusterMember.Settings settings = settings(List.of(), new MusterHazelcast.Bind("192.0.2.1", 0), 10_000);
        assertThatThrownBy(() -> ClusterMember.start(port, settings))
                .isInstanceOfSatisfying(
                        MusterException.class, e -> assertThat(e.kind()).isEqualTo(Kind.CONFIG))
                .hasMessageContaining("no interface of this host has the address 192.0.2.1");
        assertThat(ask(port)).isInstanceOf(ControlClient.Reply.Refused.class);
    }

    @Test // O-4
    void namesTheProcessItWaitedForAndClosesThePort() {
        ControlPort nobody = ControlPort.open(LOOPBACK, ControlPort.Limits.DEFAULT);
        nobody.close();
        ControlPort port = ControlPort.open(LOOPBACK, ControlPort.Limits.DEFAULT);
        ClusterMember.Settings settings =
                settings(List.of(nobody.address(), port.address()), new MusterHazelcast.Bind("127.0.0.1", 0), 300);
        assertThatThrownBy(() -> ClusterMember.start(port, settings))
                .isInstanceOfSatisfying(
                        MusterException.class, e -> assertThat(e.kind()).isEqualTo(Kind.RETRY))
                .hasMessageContainingAll(
                        "waits for the first listed process", nobody.address().toString());
        assertThat(ask(port)).isInstanceOf(ControlClient.Reply.Refused.class);
    }

    @Test // O-4
    void saysThatHazelcastsPortIsTaken() throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            ControlPort port = ControlPort.open(LOOPBACK, ControlPort.Limits.DEFAULT);
            ClusterMember.Settings settings =
                    settings(List.of(), new MusterHazelcast.Bind("127.0.0.1", taken.getLocalPort()), 10_000);
            assertThatThrownBy(() -> ClusterMember.start(port, settings))
                    .isInstanceOfSatisfying(
                            MusterException.class, e -> assertThat(e.kind()).isEqualTo(Kind.CONFIG))
                    .hasMessageContaining("can't start Hazelcast on 127.0.0.1:" + taken.getLocalPort());
            assertThat(ask(port)).isInstanceOf(ControlClient.Reply.Refused.class);
        }
    }

    @Test
    void aForeignMemberWithoutVertxLeavesWithoutAnError() {
        var root = (Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME);
        var own = (Logger) LoggerFactory.getLogger(TolerantClusterManager.class);
        Level level = own.getLevel();
        own.setLevel(Level.INFO);
        var lines = new ListAppender<ILoggingEvent>();
        ControlPort port = ControlPort.open(LOOPBACK, ControlPort.Limits.DEFAULT);
        try (ClusterMember member =
                ClusterMember.start(port, settings(List.of(), new MusterHazelcast.Bind("127.0.0.1", 0), 20_000))) {
            Vertx vertx = member.buildVertx(new VertxOptions()).await();
            var address = member.hazelcast().getCluster().getLocalMember().getAddress();
            Config config = MusterHazelcast.join(
                    MusterHazelcast.bindTo(
                            MusterHazelcast.reference()
                                    .setClusterName(
                                            member.hazelcast().getConfig().getClusterName()),
                            new MusterHazelcast.Bind("127.0.0.1", 0)),
                    address.getHost() + ":" + address.getPort(),
                    List.of());
            HazelcastInstance foreign = Hazelcast.newHazelcastInstance(config);
            lines.start();
            root.addAppender(lines);
            foreign.shutdown();
            Eventually.holds(
                    "the end of the foreign member is seen",
                    () -> List.copyOf(lines.list).stream()
                            .anyMatch(line -> line.getFormattedMessage().contains("muster.cluster.foreign-left")
                                    || line.getLevel() == Level.ERROR));
            assertThat(lines.list).noneMatch(line -> line.getLevel() == Level.ERROR);
            vertx.close().await();
        } finally {
            root.detachAppender(lines);
            own.setLevel(level);
        }
    }

    private static ClusterMember.Settings settings(
            List<ControlAddress> members, MusterHazelcast.Bind bind, long deadlineMs) {
        return new ClusterMember.Settings(
                ProcessId.random(new Random()),
                members,
                bind,
                () -> MusterHazelcast.reference()
                        .setClusterName("member-" + ProcessHandle.current().pid()),
                new ClusterFormation.Settings(Duration.ofMillis(deadlineMs), Duration.ofSeconds(1)));
    }

    private static ControlClient.Reply ask(ControlPort port) {
        return ControlClient.ask(
                port.address(), new JsonObject().put("ask", ClusterFormation.ASK), Duration.ofSeconds(5));
    }

    private static boolean connects(String address) {
        ControlAddress parsed = ControlAddress.parse(address);
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(parsed.host(), parsed.port()), 2000);
            return socket.isConnected();
        } catch (IOException _) {
            return false;
        }
    }
}
