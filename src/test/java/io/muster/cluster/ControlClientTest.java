// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.TestNames;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
final class ControlClientTest {
    private final ControlPort port = ControlPort.open(new ControlAddress("127.0.0.1", 0), ControlPort.Limits.DEFAULT);

    @BeforeEach
    void answer() {
        port.handle("name", _ -> CompletableFuture.completedFuture(new JsonObject().put("name", "one")));
    }

    @AfterEach
    void close() {
        port.close();
    }

    @Test
    void everyAddressOfANameIsTried() {
        TestNames.put("two.test", "127.0.0.2", "127.0.0.1");

        assertThat(ask("two.test")).isEqualTo(new ControlClient.Reply.Answered(new JsonObject().put("name", "one")));
    }

    @Test
    void eachFailureHasItsAddress() {
        TestNames.put("dead.test", "127.0.0.2", "127.0.0.3");

        assertThat(ask("dead.test"))
                .isEqualTo(new ControlClient.Reply.Refused(
                        "127.0.0.2: Connection refused; 127.0.0.3: Connection refused"));
    }

    @Test
    void aNameIsResolvedAgainWhenItChanges() {
        TestNames.put("moves.test", "127.0.0.2");
        assertThat(ask("moves.test")).isInstanceOf(ControlClient.Reply.Refused.class);

        TestNames.put("moves.test", "127.0.0.1");

        assertThat(ask("moves.test")).isInstanceOf(ControlClient.Reply.Answered.class);
    }

    private ControlClient.Reply ask(String host) {
        return ControlClient.ask(
                new ControlAddress(host, port.address().port()),
                new JsonObject().put("ask", "name"),
                Duration.ofSeconds(5));
    }
}
