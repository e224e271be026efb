// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.transfer.BusyPort;
import io.muster.transfer.ConnectException;
import java.net.BindException;
import org.junit.jupiter.api.Test;

class ConnectFailuresTest {
    @Test
    void aHostWithoutFreeLocalPortsBlamesItself() {
        ConnectException failure = ConnectFailures.of(
                new ProcessAddress(new ProcessId(0, 1), "10.0.0.7", 7700),
                new BindException("Cannot assign requested address"),
                1000);
        assertThat(failure.kind()).isEqualTo(ConnectException.Kind.LOCAL);
        assertThat(failure)
                .hasMessageContaining("this host has no local port left")
                .hasMessageContaining("the other host is not the cause");
    }

    @Test
    void portZeroIsNotThePortOfAnotherProcess() {
        assertThat(BusyPort.sentence(0, "endpoint.port"))
                .contains("no free port left")
                .doesNotContain("another process");
        assertThat(BusyPort.sentence(7700, "endpoint.port"))
                .isEqualTo("another process listens on port 7700; stop it, or choose another port (endpoint.port)");
    }
}
