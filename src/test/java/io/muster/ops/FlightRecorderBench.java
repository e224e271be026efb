// SPDX-License-Identifier: Apache-2.0

package io.muster.ops;

import io.muster.peer.LinkChange;
import java.util.Arrays;

/** Prints what one entry of the flight recorder costs on this machine. Not a test: run its main. */
final class FlightRecorderBench {
    private static final int ENTRIES = 20_000;
    private static final int ROUNDS = 500;

    private FlightRecorderBench() {}

    public static void main(String[] arguments) {
        LinkChange change = FlightRecorderTest.change(1);
        for (int size : new int[] {0, 2048}) {
            var recorder = new FlightRecorder(size);
            double[] nanos = new double[ROUNDS];
            for (int round = 0; round < ROUNDS; round++) {
                long begunNanos = System.nanoTime();
                for (int i = 0; i < ENTRIES; i++) {
                    recorder.link(change);
                }
                nanos[round] = (System.nanoTime() - begunNanos) / (double) ENTRIES;
            }
            Arrays.sort(nanos);
            System.out.printf(
                    "ring of %d: best %.1f, median %.1f ns an entry (%d rounds of %d)%n",
                    size, nanos[0], nanos[ROUNDS / 2], ROUNDS, ENTRIES);
        }
        long begunNanos = System.nanoTime();
        long sum = 0;
        for (int i = 0; i < ENTRIES; i++) {
            sum += System.currentTimeMillis() + System.nanoTime();
        }
        System.out.printf(
                "of this the two clocks: about %.1f ns (%d)%n",
                (System.nanoTime() - begunNanos) / (double) ENTRIES, sum & 1);
    }
}
