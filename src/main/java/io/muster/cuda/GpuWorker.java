// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.CudaFailure;
import io.muster.group.LogEvents;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread that calls the driver for a GPU. Whoever hands it something goes on at once; what it is handed is done
 * in order, copies of different lanes beside each other. All copies that it finds in one visit of its queue are started
 * before any is looked after.
 *
 * <p>How it waits is decided by {@link WaitRule}: it looks for a while after a short copy was started or any has ended
 * (unless it never looks), sleeps through a longer one until shortly before its end, as far as it knows the pace
 * ({@link CopyPace}) and how late its sleeps end ({@link SleepMargin}), and else has the driver wake it
 * ({@code cuStreamAddCallback}). So neither a small nor a large copy is paid for with a wake-up, and nothing waits
 * behind one but what is in the same lane.
 */
final class GpuWorker {
    private static final Logger LOG = LoggerFactory.getLogger(GpuWorker.class);
    /** So many things are taken from the queue before what is under way is looked after. */
    private static final int VISIT = 64;

    private final GpuDrivers drivers;
    private final int device;
    private final WaitRule rule;
    private final Thread thread;
    private final GpuInbox inbox;
    private final CompletableFuture<Void> ready = new CompletableFuture<>();
    private final CompletableFuture<Void> closed = new CompletableFuture<>();
    /** Set once by the thread, read by all. */
    private volatile @Nullable CudaFailure lost;

    private volatile Consumer<CudaFailure> onLost = _ -> {};
    private volatile boolean closing;
    /** Set by the thread before {@link #ready} completes. */
    private volatile long context;

    private final GpuLanes lanes = new GpuLanes();

    GpuWorker(GpuDrivers drivers, int device, WaitRule rule) {
        this.drivers = drivers;
        this.device = device;
        this.rule = rule;
        this.thread = Thread.ofPlatform().daemon().name("muster-gpu-" + device).unstarted(this::work);
        this.inbox = new GpuInbox(thread, rule);
    }

    void start() {
        thread.start();
    }

    CompletableFuture<Void> ready() {
        return ready;
    }

    @Nullable
    CudaFailure lost() {
        return lost;
    }

    long context() {
        return context;
    }

    void onLost(Consumer<CudaFailure> listener) {
        onLost = listener;
        CudaFailure already = lost;
        if (already != null) {
            listener.accept(already);
        }
    }

    void copy(WantedCopy wanted) {
        if (Thread.currentThread() == thread) {
            start(wanted);
        } else {
            hand(() -> start(wanted));
        }
    }

    /** All of them in one visit, with one event a lane. */
    void copyTogether(List<WantedCopy> batch) {
        if (Thread.currentThread() == thread) {
            startTogether(batch);
        } else {
            hand(() -> startTogether(batch));
        }
    }

    /** Copies are about to come: the thread wakes up meanwhile. */
    void expect() {
        inbox.expect();
    }

    <T> CompletableFuture<T> call(Gpu.Act<T> act) {
        var answer = new CompletableFuture<T>();
        hand(() -> run(act, answer));
        return answer;
    }

    /** Ends the thread after what it was handed. */
    CompletableFuture<Void> close() {
        closing = true;
        hand(() -> {});
        return closed.copy();
    }

    private void hand(Runnable task) {
        inbox.hand(task);
        if (closed.isDone()) {
            failLeft();
        }
    }

    // ---- on the thread

    private void work() {
        var opened = new Opened();
        Arena arena = Arena.ofShared();
        try {
            open(opened);
        } catch (CudaCallException failure) {
            lost = failure.failure();
            closeQuietly(opened);
            arena.close();
            ready.completeExceptionally(failure);
            closed.complete(null);
            failLeft();
            return;
        }
        TimerSlack.shorten();
        long wakeUp = drivers.copies().wakeUp(arena, inbox::wake);
        ready.complete(null);
        serve(wakeUp);
        end(opened, arena);
    }

    private void open(Opened opened) throws CudaCallException {
        long retained = drivers.memory().retainContext(device);
        opened.add(() -> drivers.memory().releaseContext(device));
        drivers.memory().pushContext(device, retained);
        context = retained;
        opened.add(() -> drivers.memory().popContext(device));
        lanes.open(drivers, device, rule, opened);
    }

    private void serve(long wakeUp) {
        inbox.hasDone();
        while (!closing || !inbox.isEmpty() || !lanes.isIdle()) {
            if (doSome()) {
                inbox.hasDone();
            } else {
                inbox.waitFor(lanes, wakeUp);
            }
        }
    }

    private boolean doSome() {
        boolean some = false;
        for (int i = 0; i < VISIT; i++) {
            Runnable task = inbox.poll();
            if (task == null) {
                break;
            }
            task.run();
            some = true;
        }
        lanes.seal();
        if (lanes.tellDone()) {
            lanes.seal();
            some = true;
        }
        return some;
    }

    private void start(WantedCopy wanted) {
        CudaFailure gone = lost;
        WantedCopy ours = wanted.toldTo(failure -> told(wanted.done(), failure));
        if (gone != null) {
            ours.done().done(gone);
        } else {
            lanes.start(ours);
        }
    }

    private void startTogether(List<WantedCopy> batch) {
        CudaFailure gone = lost;
        List<WantedCopy> ours = batch.stream()
                .map(wanted -> wanted.toldTo(failure -> told(wanted.done(), failure)))
                .toList();
        if (gone != null) {
            ours.forEach(wanted -> wanted.done().done(gone));
        } else {
            lanes.startTogether(ours);
        }
    }

    private void told(Gpu.Done done, @Nullable CudaFailure failure) {
        if (failure != null) {
            noteIfFatal(failure);
        }
        try {
            done.done(failure);
        } catch (RuntimeException mistake) {
            LOG.warn(LogEvents.GPU_LISTENER_FAILED + " device={}", device, mistake);
        }
    }

    private <T> void run(Gpu.Act<T> act, CompletableFuture<T> answer) {
        if (closed.isDone()) {
            answer.completeExceptionally(new CudaCallException(Objects.requireNonNull(lost)));
            return;
        }
        lanes.seal(); // an act may take long
        try {
            answer.complete(act.run());
        } catch (CudaCallException failure) {
            noteIfFatal(failure.failure());
            answer.completeExceptionally(failure);
        } catch (RuntimeException mistake) {
            answer.completeExceptionally(mistake);
        }
    }

    private void noteIfFatal(CudaFailure failure) {
        if (lost == null && GpuTrouble.of(failure).isFatal()) {
            lost = failure;
            LOG.warn(LogEvents.GPU_LOST + " device={} cause={}", device, GpuTrouble.sentence(failure));
            onLost.accept(failure);
        }
    }

    private void end(Opened opened, Arena arena) {
        CudaCallException failed = lanes.drain();
        boolean calledBack = failed == null; // else a callback may still come: its function has to stay
        try {
            opened.close();
        } catch (CudaCallException failure) {
            failed = failed == null ? failure : failed;
        }
        if (calledBack) {
            arena.close();
        }
        if (failed == null) {
            closed.complete(null);
        } else {
            closed.completeExceptionally(failed);
        }
        failLeft();
    }

    private static void closeQuietly(Opened opened) {
        try {
            opened.close();
        } catch (CudaCallException failure) {
            LOG.warn(LogEvents.GPU_NOT_CLOSED + " cause={}", failure.failure());
        }
    }

    /** Whatever comes too late is answered: the worker no longer will. */
    private void failLeft() {
        if (lost == null) {
            lost = new CudaFailure(
                    "the worker of this GPU has ended", OptionalInt.of(device), 4, "CUDA_ERROR_DEINITIALIZED");
        }
        for (Runnable task = inbox.poll(); task != null; task = inbox.poll()) {
            task.run();
        }
    }
}
