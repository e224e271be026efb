// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.Bounded;
import io.muster.JvmProcess;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.group.WriteException;
import io.muster.transfer.Channel;
import io.muster.transfer.LossEvidence;
import io.muster.transfer.RemoteRegion;
import io.muster.transfer.TcpTestOptions;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A real process is stopped (SIGSTOP) while another writes into its memory. */
@Timeout(120)
final class FrozenWriteIT {
    static final TcpOptions OPTIONS = TcpTestOptions.liveness(100, 10);
    static final long OLD = 1;
    static final long NEW = 2;
    private static final long LIMIT_MS = 1_000;
    /** Allowance for late timers on a loaded machine. */
    private static final long SLACK_MS = 4_000;

    private static final int TRIES = 5;

    private final Vertx vertx = Vertx.vertx();
    private final TestProcess writer = TestProcess.start(vertx, OPTIONS);

    @AfterEach
    void close() {
        writer.close();
        Bounded.await(vertx.close(), "closing Vert.x");
    }

    private static JvmProcess startTarget() throws IOException {
        return JvmProcess.start(
                "target",
                System.getProperty("java.class.path"),
                List.of("-XX:MaxDirectMemorySize=512m"),
                FrozenTargetNode.class);
    }

    // P-5, P-9, P-11, P-13, T-2, T-5
    @Test
    void aWriteIntoAFrozenProcessFailsInTimeAndIsNeverApplied() throws Exception {
        for (int tries = 1; tries <= TRIES; tries++) {
            try (JvmProcess target = startTarget()) {
                if (freezesInTheMiddleOfAWrite(target)) {
                    return;
                }
            }
        }
        throw new AssertionError(
                "in " + TRIES + " tries the write was over before the process froze, or had not begun");
    }

    /** False if the fault did not hit during the write. */
    private boolean freezesInTheMiddleOfAWrite(JvmProcess target) throws Exception {
        String[] ready = target.await("ready", 60_000).split(" ");
        var address = new ProcessAddress(ProcessId.parse(ready[0]), "127.0.0.1", Integer.parseInt(ready[1]));
        var first = new RemoteRegion(Integer.parseInt(ready[2]), Long.parseLong(ready[3]), FrozenTargetNode.BYTES);
        Channel channel = TestProcess.await(writer.transport.connect(address));
        Future<Void> write = channel.write(first, 0, TestProcess.pattern(FrozenTargetNode.BYTES, OLD));
        target.freeze();
        long frozenNanos = System.nanoTime();
        if (write.succeeded()) {
            return false;
        }
        Throwable failure = TestProcess.failure(write);
        long tookMs = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - frozenNanos);
        System.out.println("frozen in the middle of a write: failed after " + tookMs + " ms: " + failure.getMessage());
        assertThat(failure)
                .isInstanceOfSatisfying(
                        WriteException.class,
                        lost -> assertThat(lost.reason()).isEqualTo(WriteException.Reason.CHANNEL_LOST))
                .hasMessageContaining("SILENCE");
        assertThat(tookMs).as("within the liveness limit").isLessThan(LIMIT_MS + SLACK_MS);
        assertThat(TestProcess.next(writer.lost).evidence().kind()).isEqualTo(LossEvidence.Kind.SILENCE);

        target.thaw();
        target.send("reopen");
        String closed = target.await("closed", 60_000);
        assertThat(closed).as("no transfer holds a lease").startsWith("Closed");
        long applied = Long.parseLong(closed.replaceFirst(".* applied (\\d+) .*", "$1"));
        String[] second = target.await("second", 10_000).split(" ");
        if (applied == 0 || applied == FrozenTargetNode.BYTES) {
            return false;
        }
        System.out.println("applied before it froze, and from what it had received by then: " + applied + " of "
                + FrozenTargetNode.BYTES);
        Channel again = TestProcess.await(writer.transport.connect(address));
        assertThat(again.generation()).isNotEqualTo(channel.generation());
        target.send("look");
        assertThat(target.await("holds", 20_000))
                .as("the pair is connected again, and no byte of the old write has arrived")
                .isEqualTo("old=0 new=0 guards=true");
        assertThat(TestProcess.failure(again.write(first, 0, TestProcess.bytes(1))))
                .isInstanceOfSatisfying(
                        WriteException.class,
                        gone -> assertThat(gone.reason()).isEqualTo(WriteException.Reason.UNKNOWN_REGION));
        TestProcess.await(again.write(
                new RemoteRegion(Integer.parseInt(second[0]), Long.parseLong(second[1]), FrozenTargetNode.BYTES),
                0,
                TestProcess.pattern(FrozenTargetNode.BYTES, NEW)));
        target.send("look");
        assertThat(target.await("holds", 20_000)).isEqualTo("old=0 new=" + FrozenTargetNode.BYTES + " guards=true");
        return true;
    }
}
