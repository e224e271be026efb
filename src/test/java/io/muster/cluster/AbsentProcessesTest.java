// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class AbsentProcessesTest { // B-3
    private static final ControlAddress OWN = new ControlAddress("127.0.0.1", 1);

    private final AtomicInteger asked = new AtomicInteger();
    private final ControlPort port = ControlPort.open(new ControlAddress("127.0.0.1", 0), ControlPort.Limits.DEFAULT);

    @AfterEach
    void close() {
        port.close();
    }

    @Test
    void aProcessThatStartsIsNotToBeStarted() {
        says(AbsentProcesses.about("p1", "g", List.of(1, 2), "the founder at a:7600, for 5000 ms"));

        var remedies = absent(Set.of()).remedies("g", Set.of());

        assertThat(remedies).containsOnlyKeys(1, 2);
        assertThat(remedies.get(1))
                .contains(
                        "its process runs (pid " + ProcessHandle.current().pid() + ", control port " + port.address(),
                        "is starting and waits for the founder at a:7600, for 5000 ms")
                .doesNotContain("lost");
    }

    @Test
    void aProcessThatRunsInAnotherClusterIsNamed() {
        says(AbsentProcesses.about("p1", "g", List.of(1), ""));

        assertThat(absent(Set.of("other")).remedies("g", Set.of()).get(1))
                .contains("is not in the cluster of this process", "Hazelcast ports");
    }

    @Test
    void aProcessOfTheClusterIsAskedOnce() {
        says(AbsentProcesses.about("p1", "g", List.of(1), ""));
        AbsentProcesses absent = absent(Set.of("p1"));

        assertThat(absent.remedies("g", Set.of())).isEmpty();
        assertThat(absent.remedies("g", Set.of())).isEmpty();

        assertThat(asked).hasValue(1);
    }

    @Test
    void aProcessOfTheClusterThatHasNotPublishedIsNamed() {
        says(AbsentProcesses.about("p1", "g", List.of(1), ""));
        AbsentProcesses absent = absent(Set.of("p1"));

        for (int i = 0; i < 2; i++) {
            assertThat(absent.remedies("g", Set.of(1)).get(1)).contains("has not published yet; ask it for its status");
        }
        assertThat(asked).hasValue(2);
    }

    @Test
    void anAnswerOfAnotherGroupOrFormIsIgnored() {
        for (JsonObject said : List.of(
                AbsentProcesses.about("p1", "h", List.of(1), "x"),
                new JsonObject(),
                new JsonObject().put("processId", 1).put("group", "g"),
                new JsonObject()
                        .put("processId", "p")
                        .put("pid", 1)
                        .put("group", "g")
                        .put("waitsFor", "x")
                        .put("ranks", new JsonArray(List.of("1", 1L << 40))))) {
            says(said);
            assertThat(absent(Set.of()).remedies("g", Set.of()))
                    .as(said::encode)
                    .isEmpty();
        }
    }

    private void says(JsonObject what) {
        LargePackets.answerAt(port);
        port.handle(AbsentProcesses.ASK, _ -> {
            asked.incrementAndGet();
            return CompletableFuture.completedFuture(what);
        });
    }

    private AbsentProcesses absent(Set<String> members) {
        return new AbsentProcesses(OWN, List.of(OWN, port.address()), () -> members);
    }
}
