// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.cluster.ClusterFormation.Decision;
import io.muster.cluster.ClusterFormation.Seen;
import io.muster.group.MusterException;
import io.muster.group.MusterException.Kind;
import io.muster.group.ProcessId;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ClusterFormationTest {
    private static final Seen SELF = new Seen.Self();
    private static final Seen UNASKED = new Seen.Unasked();
    private static final Seen ABSENT = new Seen.Absent("refused");
    private static final Seen SILENT = new Seen.Silent("no answer");
    private static final Seen FORMING = new Seen.Forming(false);
    private static final Seen FOUNDING = new Seen.Forming(true);
    private static final ControlAddress A = new ControlAddress("a", 7600);
    private static final ControlAddress B = new ControlAddress("b", 7600);
    private static final ControlAddress C = new ControlAddress("c", 7600);
    private static final ClusterFormation.Settings PATIENT =
            new ClusterFormation.Settings(Duration.ofSeconds(10), Duration.ofSeconds(3));

    private final List<AutoCloseable> owned = new ArrayList<>();
    private final Random random = new Random();

    @AfterEach
    void closeAll() throws Exception {
        for (AutoCloseable one : owned.reversed()) {
            one.close();
        }
    }

    @Test
    void theFirstFoundsOnlyWhenAllOthersAreKnownNotToBeInACluster() {
        assertThat(decide(SELF)).isEqualTo(new Decision.Found(List.of()));
        assertThat(decide(SELF, ABSENT, FORMING)).isEqualTo(new Decision.Found(List.of()));
        assertThat(decide(SELF, ABSENT, UNASKED))
                .isInstanceOfSatisfying(
                        Decision.WaitFor.class, w -> assertThat(w.address()).isEqualTo(C));
        assertThat(decide(SELF, SILENT, ABSENT)).isEqualTo(new Decision.Found(List.of(B)));
    }

    @Test
    void everyProcessJoinsAClusterThatExists() {
        Seen formed = new Seen.Formed("b:5701");
        assertThat(decide(SELF, formed, UNASKED))
                .as("a restarted first")
                .isEqualTo(new Decision.Join(B, "b:5701", List.of("b:5701")));
        assertThat(decide(ABSENT, formed, SELF))
                .as("the first is dead")
                .isEqualTo(new Decision.Join(B, "b:5701", List.of("b:5701")));
        assertThat(decide(new Seen.Formed("a:5701"), formed, UNASKED))
                .as("listed nowhere")
                .isEqualTo(new Decision.Join(A, "a:5701", List.of("a:5701", "b:5701")));
    }

    @Test
    void allOtherProcessesWaitForTheFirst() {
        for (Seen first : List.of(UNASKED, ABSENT, SILENT, FORMING, FOUNDING)) {
            assertThat(decide(first, SELF, ABSENT))
                    .isInstanceOfSatisfying(
                            Decision.WaitFor.class, w -> assertThat(w.address()).isEqualTo(A));
        }
    }

    @Test
    void twoFoundersAreAConflict() {
        assertThat(decide(SELF, FOUNDING, ABSENT)).isEqualTo(new Decision.Conflict(B));
    }

    @Test
    void twoProcessesNeverBothFoundWhateverTheyHaveSeen() {
        List<Seen> any = List.of(UNASKED, ABSENT, SILENT, FORMING, FOUNDING);
        for (Seen x : any) {
            for (Seen y : any) {
                assertThat(decide(x, SELF, y)).isNotInstanceOf(Decision.Found.class);
                assertThat(decide(x, y, SELF)).isNotInstanceOf(Decision.Found.class);
            }
        }
    }

    @Test
    void holdsWaitingProcessesUntilTheClusterHasFormed() throws Exception {
        ControlPort first = port();
        ControlPort second = port();
        List<ControlAddress> members = List.of(first.address(), second.address());
        ClusterFormation founder = new ClusterFormation(first, id(), members, "", PATIENT);
        ClusterFormation waiter = new ClusterFormation(second, id(), members, "", PATIENT);
        CompletableFuture<Decision> joined = CompletableFuture.supplyAsync(waiter::await);
        assertThat(founder.await()).isEqualTo(new Decision.Found(List.of()));
        assertThat(joined).isNotDone();
        founder.formed("127.0.0.1:5701");
        assertThat(joined.get(5, TimeUnit.SECONDS))
                .isEqualTo(new Decision.Join(first.address(), "127.0.0.1:5701", List.of("127.0.0.1:5701")));
    }

    @Test
    void aRestartedFirstJoinsTheOthers() {
        ControlPort first = port();
        ControlPort second = port();
        List<ControlAddress> members = List.of(first.address(), second.address());
        new ClusterFormation(second, id(), members, "", PATIENT).formed("127.0.0.1:5702");
        assertThat(new ClusterFormation(first, id(), members, "", PATIENT).await())
                .isEqualTo(new Decision.Join(second.address(), "127.0.0.1:5702", List.of("127.0.0.1:5702")));
    }

    @Test
    void anOpenControlPortWithoutAClusterCountsAsAnAnswer() {
        ControlPort first = port();
        ControlPort justOpened = port();
        assertThat(new ClusterFormation(first, id(), List.of(first.address(), justOpened.address()), "", PATIENT)
                        .await())
                .isEqualTo(new Decision.Found(List.of()));
    }

    @Test // O-4
    void givesUpNamingTheProcessItWaitsFor() {
        ControlAddress nobody = unusedPort();
        ControlPort second = port();
        ClusterFormation.Settings hasty = new ClusterFormation.Settings(Duration.ofMillis(300), Duration.ofMillis(100));
        assertThatThrownBy(
                        () -> new ClusterFormation(second, id(), List.of(nobody, second.address()), "", hasty).await())
                .isInstanceOfSatisfying(MusterException.class, e -> {
                    assertThat(e.kind()).isEqualTo(Kind.RETRY);
                    assertThat(e)
                            .hasMessageContainingAll("no cluster after 300 ms", nobody.toString(), "the first listed");
                });
    }

    @Test
    void saysThatItsOwnAddressIsNotInTheList() {
        ControlPort own = port();
        ControlAddress nobody = unusedPort();
        var hasty = new ClusterFormation.Settings(Duration.ofMillis(300), Duration.ofMillis(100));
        assertThatThrownBy(() -> new ClusterFormation(own, id(), List.of(nobody), "", hasty).await())
                .hasMessageContaining(
                        "this process is not in its list of members [" + nobody + "]: add " + own.address());
        assertThatThrownBy(() -> new ClusterFormation(own, id(), List.of(nobody, own.address()), "", hasty).await())
                .message()
                .doesNotContain("not in its list");
    }

    @Test
    void doesNotWaitLongForASilentAddress() throws IOException {
        ServerSocket mute = own(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
        ControlAddress silent = new ControlAddress("127.0.0.1", mute.getLocalPort());
        ControlPort first = port();
        ClusterFormation.Settings settings =
                new ClusterFormation.Settings(Duration.ofSeconds(10), Duration.ofMillis(200));
        assertThat(new ClusterFormation(first, id(), List.of(first.address(), silent), "", settings).await())
                .isEqualTo(new Decision.Found(List.of(silent)));
    }

    @Test
    void reportsListsThatDisagreeAboutTheFirst() {
        ControlPort one = port();
        ControlPort two = port();
        ClusterFormation here = new ClusterFormation(one, id(), List.of(one.address(), two.address()), "", PATIENT);
        new ClusterFormation(two, id(), List.of(two.address(), one.address()), "", PATIENT);
        assertThatThrownBy(here::await).isInstanceOfSatisfying(MusterException.class, e -> {
            assertThat(e.kind()).isEqualTo(Kind.CONFIG);
            assertThat(e).hasMessageContaining("the same list in the same order");
        });
    }

    @Test
    void recognizesItselfUnderAnotherName() {
        ControlPort port = own(ControlPort.open(new ControlAddress("0.0.0.0", 0), ControlPort.Limits.DEFAULT));
        ControlAddress alias = new ControlAddress("127.0.0.1", port.address().port());
        assertThat(new ClusterFormation(port, id(), List.of(alias), "", PATIENT).await())
                .isEqualTo(new Decision.Found(List.of()));
    }

    @Test
    void answersWhichProcessesItWaitsFor() throws ExecutionException, InterruptedException {
        ControlAddress nobody = unusedPort();
        ControlPort second = port();
        new ClusterFormation(second, id(), List.of(nobody, second.address()), "", PATIENT);
        assertThat(ControlClient.ask(second.address(), new JsonObject().put("ask", "cluster"), Duration.ofSeconds(3)))
                .isInstanceOfSatisfying(ControlClient.Reply.Answered.class, answer -> {
                    assertThat(answer.body().getBoolean("formed")).isFalse();
                    assertThat(answer.body().getString("waitingFor")).isEqualTo(nobody.toString());
                });
    }

    private static Decision decide(Seen... inOrder) {
        Map<ControlAddress, Seen> known = new LinkedHashMap<>();
        List<ControlAddress> addresses = List.of(A, B, C);
        for (int i = 0; i < inOrder.length; i++) {
            known.put(addresses.get(i), inOrder[i]);
        }
        return ClusterFormation.decide(known);
    }

    private ControlPort port() {
        return own(ControlPort.open(new ControlAddress("127.0.0.1", 0), ControlPort.Limits.DEFAULT));
    }

    private static ControlAddress unusedPort() {
        ControlPort port = ControlPort.open(new ControlAddress("127.0.0.1", 0), ControlPort.Limits.DEFAULT);
        port.close();
        return port.address();
    }

    private <T extends AutoCloseable> T own(T one) {
        owned.add(one);
        return one;
    }

    private ProcessId id() {
        return ProcessId.random(random);
    }
}
