// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.muster.Bounded;
import io.muster.Eventually;
import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class VertxStartTest {
    private final List<String> told = new ArrayList<>();

    @Test
    void aStartThatFailsIsToldAndRepeated() {
        Vertx vertx = Vertx.vertx();
        Queue<Future<Vertx>> starts = new ArrayDeque<>(List.of(
                Future.failedFuture("RegistrationOperation invocation failed to complete"),
                Future.failedFuture("the same again"),
                Future.succeededFuture(vertx)));

        assertThat(new VertxStart(starts::remove, () -> true, () -> "b:5701 can't be reached", told::add).await())
                .isSameAs(vertx);
        assertThat(told).containsExactly("b:5701 can't be reached", "b:5701 can't be reached");
        Bounded.await(vertx.close(), "closing Vert.x");
    }

    @Test
    void aStartIsNotRepeatedOnAMemberThatHasEnded() {
        var start = new VertxStart(
                () -> Future.failedFuture("Hazelcast instance is not active!"), () -> false, () -> "", told::add);

        assertThatThrownBy(start::await)
                .isInstanceOfSatisfying(
                        MusterException.class, over -> assertThat(over.kind()).isEqualTo(MusterException.Kind.FATAL))
                .hasMessageContaining("Hazelcast ended while Vert.x started");
        assertThat(told).isEmpty();
    }

    @Test
    void theDiagnosisNamesThePortThatCannotBeReached() throws IOException {
        int closed;
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            closed = taken.getLocalPort();
        }
        try (ServerSocket open = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String reached = "127.0.0.1:" + open.getLocalPort();
            assertThat(MemberPorts.diagnosis("127.0.0.1:5701", List.of(reached, "127.0.0.1:" + closed)))
                    .contains("can't be reached from 127.0.0.1:5701: 127.0.0.1:" + closed + " (Connection refused)")
                    .doesNotContain(reached);
            assertThat(MemberPorts.diagnosis("127.0.0.1:5701", List.of(reached)))
                    .contains("check the MTU", reached);
        }
    }

    @Test
    void otherProcessesAreToldWhatOneWaitsFor() {
        List<String> lines = new CopyOnWriteArrayList<>();
        var appender = new AppenderBase<ILoggingEvent>() {
            @Override
            protected void append(ILoggingEvent event) {
                lines.add(event.getFormattedMessage());
            }
        };
        Logger log = (Logger) LoggerFactory.getLogger(ClusterFormation.class);
        appender.start();
        log.addAppender(appender);
        var loopback = new ControlAddress("127.0.0.1", 0);
        try (ControlPort one = ControlPort.open(loopback, ControlPort.Limits.DEFAULT);
                ControlPort other = ControlPort.open(loopback, ControlPort.Limits.DEFAULT)) {
            List<ControlAddress> members = List.of(one.address(), other.address());
            ClusterFormation waiting = formation(one, members);
            formation(other, members);

            waiting.tell("Hazelcast's port can't be reached\nfrom here");

            Eventually.holds(
                    "the other process logs it",
                    () -> lines.stream()
                            .anyMatch(line -> line.contains(one.address() + " ")
                                    && line.contains("it can't get on: Hazelcast's port can't be reached?from here")));
        } finally {
            log.detachAppender(appender);
        }
    }

    private static ClusterFormation formation(ControlPort port, List<ControlAddress> members) {
        return new ClusterFormation(
                port, ProcessId.random(new Random()), members, "", ClusterFormation.Settings.DEFAULT);
    }
}
