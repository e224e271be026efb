// SPDX-License-Identifier: Apache-2.0

package io.muster.sim;

import java.util.ArrayDeque;

/** Brings things to a process in the order in which they were sent, after delays of their own. */
final class Lane {
    private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
    private final SimProcess to;

    Lane(SimProcess to) {
        this.to = to;
    }

    void send(long delayUs, Runnable arrival) {
        waiting.add(arrival);
        to.post(delayUs, () -> {
            Runnable next = waiting.poll();
            if (next != null) {
                next.run();
            }
        });
    }
}
