// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.muster.Bounded;
import io.muster.Eventually;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

@Timeout(60)
class OpenCallsTest {
    private final Vertx vertx = Vertx.vertx();
    private final OpenCalls calls = new OpenCalls(vertx, 10);
    private final Queue<String> logged = new ConcurrentLinkedQueue<>();
    private final AppenderBase<ILoggingEvent> appender = new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
            logged.add(event.getFormattedMessage());
        }
    };

    @BeforeEach
    void listen() {
        appender.start();
        ((Logger) LoggerFactory.getLogger(OpenCalls.class)).addAppender(appender);
    }

    @AfterEach
    void close() {
        ((Logger) LoggerFactory.getLogger(OpenCalls.class)).detachAppender(appender);
        Bounded.await(vertx.close(), "closing Vert.x");
    }

    private long reports(String what) {
        return logged.stream().filter(line -> line.contains(what)).count();
    }

    @Test
    void aPendingCallIsReportedUntilItEnds() {
        Promise<String> answer = Promise.promise();
        calls.add(OpenCalls.Needs.STORE, "join", () -> Future.succeededFuture("rank 1: never published"), answer);
        Eventually.value("two reports", () -> reports("what=\"join for "), seen -> seen >= 2);
        assertThat(logged)
                .allSatisfy(line -> assertThat(line)
                        .matches("muster\\.call\\.open what=\"join for \\d+ ms\" rank 1: never published"));
        assertThat(calls.texts()).singleElement().asString().startsWith("join for ");

        answer.complete("joined");

        assertThat(Bounded.await(answer.future(), "the call")).isEqualTo("joined");
        Eventually.value("no call is open", calls::texts, seen -> seen.isEmpty());
        long before = reports("what=\"join for ");
        Promise<String> later = Promise.promise();
        calls.add(OpenCalls.Needs.RANKS, "leave", () -> Future.failedFuture("the store does not answer"), later);
        Eventually.value("reports of a later call", () -> reports("\" the store does not answer"), seen -> seen >= 5);
        assertThat(reports("what=\"join for ")).as("reports after the end").isLessThanOrEqualTo(before + 1);
        later.fail("over");
    }

    @Test
    void aCallEndsWithWhatItNeedsAndALaterOneAtOnce() {
        Promise<String> join = Promise.promise();
        Promise<String> leave = Promise.promise();
        calls.add(OpenCalls.Needs.STORE, "join", null, join);
        calls.add(OpenCalls.Needs.RANKS, "leave", null, leave);

        calls.end(OpenCalls.Needs.STORE, "the store has ended");

        assertThat(join.future().cause()).hasMessage("the store has ended");
        assertThat(leave.future().isComplete()).isFalse();
        Promise<String> later = Promise.promise();
        calls.add(OpenCalls.Needs.STORE, "join", null, later);
        assertThat(later.future().cause()).hasMessage("the store has ended");
        leave.complete("left");
        assertThat(calls.texts()).isEmpty();
    }
}
