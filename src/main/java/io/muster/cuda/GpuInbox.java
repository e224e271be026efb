// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * What a GPU's thread was handed, and how it waits for more and for its copies ({@link WaitRule}). {@link #hand},
 * {@link #expect} and {@link #wake} may be called from any thread, all else from the GPU's own.
 */
final class GpuInbox {
    /** Should the driver not call back: copies are looked after this often, while there are any. */
    private static final long LOOK_AGAIN_NANOS = 50_000_000;

    private final Thread thread;
    private final Queue<Runnable> queue = new ConcurrentLinkedQueue<>();
    private final SleepMargin margin = new SleepMargin();
    private final WaitRule rule;
    private long lastNanos;
    /** The thread is parked, or about to be: set by it, read by whoever hands something over. */
    private volatile boolean parked;

    GpuInbox(Thread thread, WaitRule rule) {
        this.thread = thread;
        this.rule = rule;
    }

    void hand(Runnable task) {
        queue.add(task);
        if (parked) {
            wake();
        }
    }

    void wake() {
        LockSupport.unpark(thread);
    }

    /** Something is about to be handed over: the thread wakes up meanwhile, if it has to. */
    void expect() {
        if (parked) {
            hand(() -> {});
        }
    }

    @Nullable
    Runnable poll() {
        return queue.poll();
    }

    boolean isEmpty() {
        return queue.isEmpty();
    }

    /** The thread has done something. */
    void hasDone() {
        lastNanos = System.nanoTime();
    }

    /** Waits for what is under way, or for more, in the way that is due now; once. */
    void waitFor(GpuLanes lanes, long wakeUp) {
        long nowNanos = System.nanoTime();
        switch (rule.next(nowNanos - lastNanos, lanes.underWay(nowNanos, rule.lookNanos()), margin.nanos())) {
            case Waiting.Look _ -> Thread.onSpinWait();
            case Waiting.Nap _ -> park(WaitRule.NAP_NANOS);
            case Waiting.Sleep(long nanos) -> {
                lanes.armUnlessTimed(wakeUp);
                sleep(nanos);
            }
            case Waiting.ToBeWoken _ -> {
                lanes.arm(wakeUp);
                park(lanes.isIdle() ? 0 : LOOK_AGAIN_NANOS);
            }
        }
    }

    private void sleep(long nanos) {
        long endNanos = System.nanoTime() + nanos;
        park(nanos);
        long lateNanos = System.nanoTime() - endNanos;
        if (lateNanos >= 0) { // else something was handed over
            margin.late(lateNanos);
        }
    }

    /** @param nanos at most; 0: until it is woken */
    private void park(long nanos) {
        parked = true;
        if (queue.isEmpty()) {
            if (nanos == 0) {
                LockSupport.park(this);
            } else {
                LockSupport.parkNanos(this, nanos);
            }
        }
        parked = false;
    }
}
