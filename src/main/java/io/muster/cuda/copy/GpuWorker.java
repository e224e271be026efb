// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.copy;

import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.CudaFailure;
import io.muster.cuda.driver.DriverCall;
import io.muster.cuda.driver.GpuDrivers;
import io.muster.cuda.driver.GpuTrouble;
import io.muster.cuda.driver.Opened;
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
 * The one thread that makes driver calls for a GPU.
 *
 * <p><b>What it holds.</b> The device's primary context, {@link #LANES} non-blocking streams ({@link GpuLane}), and a
 * queue of tasks ({@link GpuInbox}): copies, and calls that may block. All are opened and closed on the thread itself.
 *
 * <p><b>Threads.</b> Public methods may be called from any thread and do not block: they add a task to the queue. A
 * copy that is started by a listener, on this thread, skips the queue. Listeners and the calls of {@link #call} run on
 * this thread. The driver's callback runs on a thread of the driver and only unparks this one. The volatile fields
 * {@code lost}, {@code context} and {@code closing} are the state that other threads read or set.
 *
 * <p><b>Order of events.</b> One round of the loop takes up to {@link #VISIT} tasks, records one event per lane for the
 * copies started ({@code seal}), queries the events of earlier copies and reports the ends. Only a round without any
 * task or end waits, as {@link WaitRule} decides: the thread polls for a while after a copy started or ended if a short
 * one may be in progress, sleeps through a long copy until shortly before its expected end ({@link WaitEstimates}), and
 * otherwise parks until the driver's callback ({@code cuStreamAddCallback}). So neither a small nor a large copy waits
 * for a wake-up, and a copy waits only for earlier copies of its own lane.
 *
 * <p><b>Invariants.</b> Each copy is reported once. A copy that could not be started, or has no event, is reported only
 * after its stream was drained. Tasks run in the order of the queue. The first fatal failure
 * ({@link GpuTrouble#isFatal}) is kept, and every later copy fails with it. After the end of the thread calls fail too.
 *
 * <p><b>The trap.</b> The end of the thread and a late task race: a task may be queued after the last look at the
 * queue. {@link #hand} therefore looks at {@code closed} after it has queued the task, and fails what is left itself.
 * And the callback's native function must stay while a callback may still arrive, so its arena is closed only after all
 * streams were drained without a failure.
 */
public final class GpuWorker implements CopyStarter {
    /** Calls of the driver that have no result; runs on the thread of the GPU, with its context current. */
    @FunctionalInterface
    public interface Action {
        void run() throws CudaCallException;
    }

    private static final Logger LOG = LoggerFactory.getLogger(GpuWorker.class);
    /** So many tasks are taken from the queue before the copies in progress are queried. */
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

    public GpuWorker(GpuDrivers drivers, int device, WaitRule rule) {
        this.drivers = drivers;
        this.device = device;
        this.rule = rule;
        this.thread = Thread.ofPlatform().daemon().name("muster-gpu-" + device).unstarted(this::work);
        this.inbox = new GpuInbox(thread, rule);
    }

    /** Starts the thread, which makes the context; once. */
    public void start() {
        thread.start();
    }

    /** Completes when the context exists; fails with a {@link CudaCallException}. */
    public CompletableFuture<Void> ready() {
        return ready;
    }

    /** The failure after which no call can succeed; null if there was none. */
    public @Nullable CudaFailure lost() {
        return lost;
    }

    /** Handle of the device's primary context; 0 before {@link #ready}. */
    public long context() {
        return context;
    }

    /** Sets the listener for the loss of the GPU, which is called on the thread; at once if the GPU is lost already. */
    public void onLost(Consumer<CudaFailure> listener) {
        onLost = listener;
        CudaFailure already = lost;
        if (already != null) {
            listener.accept(already);
        }
    }

    @Override
    public void copy(WantedCopy wanted) {
        if (Thread.currentThread() == thread) {
            start(wanted);
        } else {
            hand(() -> start(wanted));
        }
    }

    @Override
    public void copyTogether(List<WantedCopy> batch) {
        if (Thread.currentThread() == thread) {
            startTogether(batch);
        } else {
            hand(() -> startTogether(batch));
        }
    }

    @Override
    public void expect() {
        inbox.expect();
    }

    /** Runs a call that may block on the thread; fails with a {@link CudaCallException}. */
    public <T> CompletableFuture<T> call(DriverCall<T> call) {
        var answer = new CompletableFuture<T>();
        hand(() -> run(() -> answer.complete(call.run()), answer));
        return answer;
    }

    /** Runs an action on the thread, in the same order as {@link #call}. */
    public CompletableFuture<Void> run(Action action) {
        var answer = new CompletableFuture<Void>();
        hand(() -> run(
                () -> {
                    action.run();
                    answer.complete(null);
                },
                answer));
        return answer;
    }

    /** Ends the thread after the tasks queued before; fails with the first failure to close. */
    public CompletableFuture<Void> close() {
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
        @SuppressWarnings("MustBeClosed") // end() closes it, or the branch below
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
        if (lanes.reportDone()) {
            lanes.seal();
            some = true;
        }
        return some;
    }

    private void start(WantedCopy wanted) {
        CudaFailure gone = lost;
        WantedCopy ours = wanted.reportingTo(failure -> report(wanted.done(), failure));
        if (gone != null) {
            ours.done().done(gone);
        } else {
            lanes.start(ours);
        }
    }

    private void startTogether(List<WantedCopy> batch) {
        CudaFailure gone = lost;
        List<WantedCopy> ours = batch.stream()
                .map(wanted -> wanted.reportingTo(failure -> report(wanted.done(), failure)))
                .toList();
        if (gone != null) {
            ours.forEach(wanted -> wanted.done().done(gone));
        } else {
            lanes.startTogether(ours);
        }
    }

    private void report(CopyDone done, @Nullable CudaFailure failure) {
        if (failure != null) {
            noteIfFatal(failure);
        }
        try {
            done.done(failure);
        } catch (Throwable mistake) { // code of the application, in any language of the JVM
            LOG.warn(LogEvents.GPU_LISTENER_FAILED + " device={}", device, mistake);
        }
    }

    private void run(Action action, CompletableFuture<?> answer) {
        if (closed.isDone()) {
            answer.completeExceptionally(new CudaCallException(Objects.requireNonNull(lost)));
            return;
        }
        lanes.seal(); // the call may take long
        try {
            action.run();
        } catch (CudaCallException failure) {
            noteIfFatal(failure.failure());
            answer.completeExceptionally(failure);
        } catch (Throwable mistake) { // code of the application, in any language of the JVM
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
        boolean calledBack = failed == null; // else a callback may still arrive, and needs its function
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

    /** Fails the tasks that were queued after the thread's last look at the queue. */
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
