// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.copy;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The queue of tasks for a GPU's thread, and the thread's waiting for tasks and copies ({@link WaitRule}).
 * {@link #hand}, {@link #expect} and {@link #wake} may be called from any thread, all else from the GPU's own.
 */
final class GpuInbox {
    /** Copies in progress are queried at least this often, in case the driver does not call back. */
    private static final long QUERY_AGAIN_NANOS = 50_000_000;

    private final Thread thread;
    private final Queue<Runnable> queue = new ConcurrentLinkedQueue<>();
    private final WaitEstimates.Margin margin = new WaitEstimates.Margin();
    private final WaitRule rule;
    private long lastNanos;
    /** True while the thread is parked or about to park: set by it, read by threads that hand over a task. */
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

    /** Wakes the thread if it is parked, because a task follows soon. */
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

    /** Records that the thread has just run a task or reported a copy. */
    void hasDone() {
        lastNanos = System.nanoTime();
    }

    /** Waits one step, as the rule says, for a task or the end of a copy. */
    void waitFor(GpuLanes lanes, long wakeUp) {
        long nowNanos = System.nanoTime();
        switch (rule.next(nowNanos - lastNanos, lanes.underWay(nowNanos, rule.pollNanos()), margin.nanos())) {
            case WaitRule.Waiting.Poll _ -> Thread.onSpinWait();
            case WaitRule.Waiting.Nap _ -> park(WaitRule.NAP_NANOS);
            case WaitRule.Waiting.Sleep(long nanos) -> {
                lanes.armUnlessTimed(wakeUp);
                sleep(nanos);
            }
            case WaitRule.Waiting.UntilWoken _ -> {
                lanes.arm(wakeUp);
                park(lanes.isIdle() ? 0 : QUERY_AGAIN_NANOS);
            }
        }
    }

    private void sleep(long nanos) {
        long endNanos = System.nanoTime() + nanos;
        park(nanos);
        long lateNanos = System.nanoTime() - endNanos;
        if (lateNanos >= 0) { // else a task ended the sleep early
            margin.late(lateNanos);
        }
    }

    /** @param nanos at most this long; 0: until woken */
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
