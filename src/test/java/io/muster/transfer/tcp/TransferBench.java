// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.transfer.Channel;
import io.muster.transfer.ControlKind;
import io.muster.transfer.LossEvidence;
import io.muster.transfer.memory.Region;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Prints what channels cost on this machine's loopback. Not a test: run its main. Each side has its own Vert.x, as in
 * two processes.
 */
final class TransferBench {
    private TransferBench() {}

    public static void main(String[] arguments) {
        System.out.println("cores " + Runtime.getRuntime().availableProcessors() + ", load "
                + java.lang.management.ManagementFactory.getOperatingSystemMXBean()
                        .getSystemLoadAverage());
        long begin = System.nanoTime();
        Vertx left = Vertx.vertx();
        Vertx right = Vertx.vertx();
        TestProcess a = TestProcess.start(left);
        TestProcess b = TestProcess.start(right);
        print("two Vert.x and two transports, first", begin);
        begin = System.nanoTime();
        Channel channel = a.connect(b);
        print("first channel open", begin);

        double[] opens = new double[300];
        for (int i = 0; i < opens.length; i++) {
            TestProcess.next(b.opened);
            channel.close(new LossEvidence(LossEvidence.Kind.CLOSED_HERE, "bench"));
            TestProcess.next(a.lost);
            TestProcess.next(b.lost);
            begin = System.nanoTime();
            channel = a.connect(b);
            opens[i] = (System.nanoTime() - begin) / 1e6;
        }
        System.out.printf("second channel open %.2f ms, tenth %.2f ms%n", opens[0], opens[8]);
        median("channel open, last 100", Arrays.copyOfRange(opens, 200, 300), "ms");

        Region slot = b.regions.allocate("slot", 8, null);
        MemorySegment word = TestProcess.bytes(1, 2, 3, 4, 5, 6, 7, 8);
        double[] rounds = new double[20_000];
        for (int i = 0; i < rounds.length; i++) {
            begin = System.nanoTime();
            TestProcess.await(channel.write(slot.remote(), 0, word));
            rounds[i] = (System.nanoTime() - begin) / 1e3;
        }
        median(
                "8-byte write and answer, from a thread outside, last 10000",
                Arrays.copyOfRange(rounds, 10_000, 20_000),
                "us");

        long size = 64L << 20;
        Region large = b.regions.allocate("large", size, null);
        MemorySegment source = TestProcess.pattern(size, 1);
        double[] throughput = new double[30];
        for (int i = 0; i < throughput.length; i++) {
            begin = System.nanoTime();
            TestProcess.await(channel.write(large.remote(), 0, source));
            throughput[i] = size / (double) (System.nanoTime() - begin);
        }
        median("64 MiB write", Arrays.copyOfRange(throughput, 10, 30), "GB/s");

        double[] messages = new double[100];
        long flushes = ((TcpChannel) channel).controlSender().flushes();
        Buffer payload = Buffer.buffer("x".repeat(100));
        Channel open = channel;
        for (int i = 0; i < messages.length; i++) {
            begin = System.nanoTime();
            left.getOrCreateContext().runOnContext(_ -> {
                for (int n = 0; n < 500; n++) {
                    open.send(ControlKind.LINK, payload);
                }
            });
            for (int n = 0; n < 500; n++) {
                TestProcess.next(b.received);
            }
            messages[i] = (System.nanoTime() - begin) / 1e3;
        }
        median(
                "500 messages of 100 bytes, sent in one turn, until all are received",
                Arrays.copyOfRange(messages, 50, 100),
                "us");
        System.out.printf(
                "flushes for each 500: %.2f%n",
                (((TcpChannel) channel).controlSender().flushes() - flushes) / 100.0);
        TestProcess.await(Future.all(a.transport.close(), b.transport.close()));
        TestProcess.await(Future.all(left.close(), right.close()));
    }

    private static void print(String what, long beginNanos) {
        System.out.printf("%s: %.2f ms%n", what, (System.nanoTime() - beginNanos) / 1e6);
    }

    private static void median(String what, double[] values, String unit) {
        Arrays.sort(values);
        System.out.printf(
                "%s: median %.2f, p90 %.2f, min %.2f %s%n",
                what, values[values.length / 2], values[values.length * 9 / 10], values[0], unit);
    }
}
