// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.TestNames;
import io.muster.group.MusterException;
import io.muster.options.OwnAddress;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
final class MemberListTest {
    private final ControlPort port = ControlPort.open(new ControlAddress("127.0.0.1", 0), ControlPort.Limits.DEFAULT);
    private final int number = port.address().port();

    @BeforeEach
    void names() {
        TestNames.put("node1.test", "127.0.1.1");
        TestNames.put("node2.test", "198.51.100.2");
    }

    @AfterEach
    void close() {
        port.close();
    }

    @Test
    void theEntryWithTheOwnAddressIsTheOwnOne() {
        assertThat(list("127.0.0.1", "", "198.51.100.2", "127.0.0.1").ownEntry())
                .contains(new MemberList.OwnEntry(at("127.0.0.1"), ""));
        assertThat(list("127.0.0.1", "203.0.113.1", "198.51.100.2", "203.0.113.1")
                        .ownEntry())
                .as("behind NAT")
                .contains(new MemberList.OwnEntry(at("203.0.113.1"), ""));
        assertThat(list("127.0.0.1", "", "198.51.100.2").ownEntry()).isEmpty();
    }

    @Test // Debian's /etc/hosts
    void aNameWithAnotherAddressOfThisHostIsTheOwnEntryWithAReason() {
        assertThat(list("127.0.0.1", "", "node2.test", "node1.test").ownEntry())
                .contains(new MemberList.OwnEntry(
                        at("node1.test"),
                        "node1.test resolves to 127.0.1.1 here, but this process listens on 127.0.0.1"));
    }

    @Test
    void anAddressWhereAnotherProcessListensIsNotTheOwnEntry() {
        try (ControlPort other =
                ControlPort.open(new ControlAddress("127.0.1.1", number), ControlPort.Limits.DEFAULT)) {
            assertThat(other.address()).isEqualTo(at("127.0.1.1"));
            assertThat(list("127.0.0.1", "", "node1.test", "127.0.1.1").ownEntry())
                    .isEmpty();
        }
    }

    @Test
    void anotherAddressOfThisHostInTheListIsSaidAtOnce() {
        assertThatThrownBy(
                        () -> list("127.0.0.1", "", "127.0.1.1", "198.51.100.2").ownEntry())
                .isInstanceOf(MusterException.class)
                .hasMessageContainingAll(
                        "127.0.1.1 is an address of this host, but this process listens on 127.0.0.1",
                        "--bind 127.0.1.1");
    }

    @Test
    void aMemberThatCannotReachTheLoopbackAddressIsNamed() {
        assertThatThrownBy(
                        () -> list("node1.test", "", "node1.test", "node2.test").requireReachable("node1.test"))
                .hasMessageContainingAll(
                        "would listen on 127.0.1.1 (to which this host resolves node1.test)",
                        "the member node2.test:" + number + " can't reach");
        list("127.0.0.1", "", "127.0.0.1", "localhost", "unknown.invalid").requireReachable("127.0.0.1");
    }

    @Test // the founder waited 60 s for itself
    void theFounderFoundsUnderItsNameInDebiansHostsFile() {
        var formation = new ClusterFormation(
                port,
                new io.muster.group.ProcessId(1, 2),
                List.of(at("node1.test")),
                "",
                ClusterFormation.Settings.DEFAULT);

        assertThat(formation.await()).isEqualTo(new ClusterFormation.Decision.Found(List.of()));
    }

    private ControlAddress at(String host) {
        return new ControlAddress(host, number);
    }

    private MemberList list(String bind, String advertise, String... hosts) {
        return new MemberList(
                OwnAddress.of(bind, advertise),
                number,
                Stream.of(hosts).map(this::at).toList());
    }
}
