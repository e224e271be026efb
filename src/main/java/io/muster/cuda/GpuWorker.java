package io.muster.cuda;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread that calls the driver for a GPU. Whoever hands it something goes on at once; what it is handed is done in order, copies of
 * different lanes beside each other.
 *
 * <p>How it waits: after each thing that it did it looks again for {@value #LOOK_NANOS} ns, which is longer than a small copy takes.
 * A longer copy it sleeps through until shortly before its end, as far as it knows the pace ({@link CopyPace}), and looks from there on; else it
 * has the driver wake it ({@code cuStreamAddCallback}), which is some 40 µs late. So neither a small nor a large copy is paid for with a wake-up,
 * a core is busy for the last {@value #EARLY_NANOS} ns of a copy at most, and nothing waits behind one but what is in the same lane.
 */
final class GpuWorker {
  private static final Logger LOG = LoggerFactory.getLogger(GpuWorker.class);
  private static final long LOOK_NANOS = 20_000;
  /** A sleep ends up to some 60 µs later than asked for. */
  private static final long EARLY_NANOS = 100_000;
  private static final long LATE_NANOS = 60_000;
  /** Should the driver not call back: copies are looked after this often, while there are any. */
  private static final long LOOK_AGAIN_NANOS = 50_000_000;

  private record Batch(int lane, List<GpuCopy> copies, Gpu.Done done) {}

  private final GpuDrivers drivers;
  private final int device;
  private final Thread thread;
  private final Queue<Runnable> queue = new ConcurrentLinkedQueue<>();
  private final CompletableFuture<Void> ready = new CompletableFuture<>();
  private final CompletableFuture<Void> closed = new CompletableFuture<>();
  /** The thread is parked, or about to be: set by it, read by whoever hands something over. */
  private volatile boolean parked;
  /** Set once by the thread, read by all. */
  private volatile @Nullable CudaFailure lost;
  private volatile Consumer<CudaFailure> onLost = _ -> {};
  private volatile boolean closing;
  /** Set by the thread before {@link #ready} completes. */
  private volatile long context;
  private final List<GpuLane> lanes = new ArrayList<>();

  GpuWorker(GpuDrivers drivers, int device) {
    this.drivers = drivers;
    this.device = device;
    this.thread = Thread.ofPlatform().daemon().name("muster-gpu-" + device).unstarted(this::work);
  }

  void start() {
    thread.start();
  }

  CompletableFuture<Void> ready() {
    return ready;
  }

  @Nullable CudaFailure lost() {
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

  void copy(int lane, List<GpuCopy> copies, Gpu.Done done) {
    var batch = new Batch(lane, copies, done);
    if (Thread.currentThread() == thread) {
      start(batch);
    } else {
      hand(() -> start(batch));
    }
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
    queue.add(task);
    if (parked) {
      LockSupport.unpark(thread);
    }
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
    long wakeUp = drivers.copies().wakeUp(arena, () -> LockSupport.unpark(thread));
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
    for (int i = 0; i < Gpu.LANES; i++) {
      lanes.add(GpuLane.open(drivers, device, opened));
    }
  }

  private void serve(long wakeUp) {
    long lookUntil = System.nanoTime() + LOOK_NANOS;
    while (true) {
      if (doSome()) {
        lookUntil = System.nanoTime() + LOOK_NANOS;
      } else if (closing && queue.isEmpty() && isIdle()) {
        return;
      } else {
        long nowNanos = System.nanoTime();
        long untilDueNanos = untilDueNanos(nowNanos);
        if (nowNanos - lookUntil < 0 || (untilDueNanos <= EARLY_NANOS && untilDueNanos >= -LATE_NANOS)) {
          Thread.onSpinWait();
        } else {
          park(wakeUp, untilDueNanos - EARLY_NANOS);
        }
      }
    }
  }

  private boolean doSome() {
    boolean some = false;
    for (Runnable task = queue.poll(); task != null; task = queue.poll()) {
      task.run();
      some = true;
    }
    for (GpuLane lane : lanes) {
      some |= lane.tellDone();
    }
    return some;
  }

  /** Until the first copy of any lane should be done; {@link CopyPace#UNKNOWN} if that is not known of any. */
  private long untilDueNanos(long nowNanos) {
    long least = CopyPace.UNKNOWN;
    for (GpuLane lane : lanes) {
      long due = lane.dueNanos();
      if (due != CopyPace.UNKNOWN) {
        least = Math.min(least, due - nowNanos);
      }
    }
    return least;
  }

  /** @param nanos that are certain to be free; more than can be, or none, if that is not known */
  private void park(long wakeUp, long nanos) {
    boolean timed = nanos > 0 && nanos < LOOK_AGAIN_NANOS;
    lanes.forEach(lane -> lane.armUnlessTimed(wakeUp));
    parked = true;
    if (queue.isEmpty()) {
      if (isIdle()) {
        LockSupport.park(this);
      } else {
        LockSupport.parkNanos(this, timed ? nanos : LOOK_AGAIN_NANOS);
      }
    }
    parked = false;
  }

  private boolean isIdle() {
    return lanes.stream().allMatch(GpuLane::isIdle);
  }

  private void start(Batch batch) {
    CudaFailure gone = lost;
    Gpu.Done done = failure -> told(batch.done(), failure);
    if (gone != null) {
      done.done(gone);
    } else {
      lanes.get(batch.lane()).start(batch.copies(), done);
    }
  }

  private void told(Gpu.Done done, @Nullable CudaFailure failure) {
    if (failure != null) {
      noteIfFatal(failure);
    }
    try {
      done.done(failure);
    } catch (RuntimeException mistake) {
      LOG.warn("gpu-listener-failed device={}", device, mistake);
    }
  }

  private <T> void run(Gpu.Act<T> act, CompletableFuture<T> answer) {
    if (closed.isDone()) {
      answer.completeExceptionally(new CudaCallException(Objects.requireNonNull(lost)));
      return;
    }
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
      LOG.warn("gpu-lost device={} cause={}", device, GpuTrouble.sentence(failure));
      onLost.accept(failure);
    }
  }

  private void end(Opened opened, Arena arena) {
    CudaCallException failed = null;
    boolean calledBack = true;
    for (GpuLane lane : lanes) {
      try {
        lane.drain();
      } catch (CudaCallException failure) {
        calledBack = false; // a callback may still come: its function has to stay
        failed = failed == null ? failure : failed;
      }
    }
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
      LOG.warn("gpu-not-closed cause={}", failure.failure());
    }
  }

  /** Whatever comes too late is answered: the worker no longer will. */
  private void failLeft() {
    if (lost == null) {
      lost = new CudaFailure("the worker of this GPU has ended", OptionalInt.of(device), 4, "CUDA_ERROR_DEINITIALIZED");
    }
    for (Runnable task = queue.poll(); task != null; task = queue.poll()) {
      task.run();
    }
  }
}
