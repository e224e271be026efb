// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.Eventually;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class QueuedOutputTest {
    private static final Duration LONG = Duration.ofSeconds(50);

    private final Pipe pipe = new Pipe();
    private final QueuedOutput output = new QueuedOutput(
            new PrintStream(pipe, false, StandardCharsets.UTF_8), "test", 100, count -> "lost " + count);

    /** A pipe that is full until somebody reads. */
    private static final class Pipe extends OutputStream {
        private final CountDownLatch reading = new CountDownLatch(1);
        private final CountDownLatch full = new CountDownLatch(1);
        private final ByteArrayOutputStream read = new ByteArrayOutputStream();

        @Override
        public void write(int one) {
            write(new byte[] {(byte) one}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int from, int count) {
            full.countDown();
            try {
                reading.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            synchronized (read) {
                read.write(bytes, from, count);
            }
        }

        List<String> lines() {
            synchronized (read) {
                return read.toString(StandardCharsets.UTF_8).lines().toList();
            }
        }
    }

    @Test
    void aFullPipeDelaysNoCallerAndTheLossIsSaidWhereItIs() throws InterruptedException {
        output.println("first");
        pipe.full.await(); // the writing thread stands in the pipe
        for (int i = 0; i < 50; i++) {
            output.println("line " + String.format("%04d", i)); // 10 bytes each
        }
        pipe.reading.countDown();
        output.awaitEmpty(LONG);
        Eventually.holds("the loss is said", () -> pipe.lines().contains("lost 40"));
        output.println("last");
        output.awaitEmpty(LONG);
        assertThat(pipe.lines()).hasSize(13).startsWith("first", "line 0000").endsWith("line 0009", "lost 40", "last");
    }

    @Test
    void theLinesOfSeveralThreadsStayWhole() throws InterruptedException {
        pipe.reading.countDown();
        String long1 = "a".repeat(30);
        Thread other = Thread.ofPlatform().start(() -> output.println(long1));
        output.printf("%s %s%n", "b", "b");
        other.join();
        output.awaitEmpty(LONG);
        assertThat(pipe.lines()).containsExactlyInAnyOrder(long1, "b b");
    }

    @Test
    void waitsForAReaderOnlyUntilTheTimeIsOver() {
        output.println("first");
        output.awaitEmpty(Duration.ofMillis(10));
        assertThat(pipe.lines()).isEmpty();
        pipe.reading.countDown();
    }
}
