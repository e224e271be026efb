// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.TestNames;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.net.NetClient;
import io.vertx.core.net.NetServer;
import io.vertx.core.net.NetSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
final class EveryAddressTest {
    private final Vertx vertx = Vertx.vertx();
    private final NetClient client = vertx.createNetClient();
    private int port;

    @BeforeEach
    void listen() {
        NetServer server = vertx.createNetServer().connectHandler(_ -> {});
        port = server.listen(0, "127.0.0.1").await().actualPort();
    }

    @AfterEach
    void close() {
        vertx.close().await();
    }

    @Test
    void everyAddressOfANameIsTried() {
        TestNames.put("peer.test", "127.0.0.2", "127.0.0.1");

        assertThat(connect("peer.test").await().remoteAddress().hostAddress()).isEqualTo("127.0.0.1");
    }

    @Test
    void eachFailureHasItsAddress() {
        TestNames.put("peer.test", "127.0.0.2", "127.0.0.3");

        assertThatThrownBy(() -> connect("peer.test").await())
                .isInstanceOf(EveryAddress.FailedException.class)
                .hasMessageContainingAll("127.0.0.2: Connection refused", "; 127.0.0.3: Connection refused");
    }

    @Test
    void aNameIsResolvedAgainForEachConnection() {
        TestNames.put("peer.test", "127.0.0.2");
        assertThatThrownBy(() -> connect("peer.test").await()).hasMessageContaining("refused");

        TestNames.put("peer.test", "127.0.0.1");

        assertThat(connect("peer.test").await().remoteAddress().port()).isEqualTo(port);
    }

    private Future<NetSocket> connect(String host) {
        return EveryAddress.connect(client, vertx.getOrCreateContext(), host, port, 5_000);
    }
}
