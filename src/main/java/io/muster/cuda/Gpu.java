package io.muster.cuda;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One GPU in use: its primary context, some streams that wait for nobody's kernels, and one thread that makes every call. Copies are handed
 * to the thread and told as done on it.
 *
 * <p>How the thread waits: after each thing that it did it looks again for {@value #LOOK_NANOS} ns, which is longer than a small copy takes.
 * A longer copy it sleeps through until shortly before its end, as far as it knows the pace ({@link CopyPace}), and looks from there on; else it
 * has the driver wake it ({@code cuStreamAddCallback}), which is some 40 µs late. So neither a small nor a large copy is paid for with a wake-up,
 * a core is busy for the last {@value #EARLY_NANOS} ns of a copy at most, and nothing waits behind one but what is in the same lane.
 *
 * <p>A failure after which nothing works any more ({@link GpuTrouble#isFatal}) is kept: it is told once to whoever wants to know, and every
 * later copy fails with it.
 */
public final class Gpu {
  private static final Logger LOG = LoggerFactory.getLogger(Gpu.class);
  private static final long LOOK_NANOS = 20_000;
  /** A sleep ends up to some 60 µs later than asked for. */
  private static final long EARLY_NANOS = 100_000;
  private static final long LATE_NANOS = 60_000;
  /** Should the driver not call back: copies are looked after this often, while there are any. */
  private static final long LOOK_AGAIN_NANOS = 50_000_000;
  /** Copies of different lanes do not wait for each other. */
  public static final int LANES = 4;

  /** Told on the worker's thread, once; must not block. */
  @FunctionalInterface
  public interface Done {
    /** @param failure null if the bytes are where they should be, visible to every later copy and kernel */
    void done(@Nullable CudaFailure failure);
  }

  /** What is done on the worker's thread, with the context current. */
  @FunctionalInterface
  public interface Act<T> {
    T run() throws CudaCallException;
  }

  private record Batch(int lane, List<GpuCopy> copies, Done done) {}

  private final GpuDrivers drivers;
  private final int device;
  private final UUID uuid;
  private final Thread thread;
  private final Queue<Runnable> queue = new ConcurrentLinkedQueue<>();
  private final CompletableFuture<Void> ready = new CompletableFuture<>();
  private final CompletableFuture<Void> closed = new CompletableFuture<>();
  /** The worker is parked, or about to be: set by it, read by whoever hands something over. */
  private volatile boolean parked;
  /** Set once by the worker, read by all. */
  private volatile @Nullable CudaFailure lost;
  private volatile Consumer<CudaFailure> onLost = _ -> {};
  private volatile boolean closing;
  /** Set by the worker before {@link #ready} completes. */
  private volatile long context;
  private final List<GpuLane> lanes = new ArrayList<>();

  private Gpu(GpuDrivers drivers, int device, UUID uuid) {
    this.drivers = drivers;
    this.device = device;
    this.uuid = uuid;
    this.thread = Thread.ofPlatform().daemon().name("muster-gpu-" + device).unstarted(this::work);
  }

  /** Starts the worker, which makes the context: a tenth of a second or more, unless the application holds it already. */
  static Gpu open(GpuDrivers drivers, int device, UUID uuid) {
    var gpu = new Gpu(drivers, device, uuid);
    gpu.thread.start();
    return gpu;
  }

  /** Completes when the context is there; fails with a {@link CudaCallException}. */
  public CompletableFuture<Void> ready() {
    return ready.copy();
  }

  boolean isReady() {
    return ready.isDone() && !ready.isCompletedExceptionally();
  }

  public int device() {
    return device;
  }

  public UUID uuid() {
    return uuid;
  }

  /** The failure after which nothing works on this GPU any more. */
  public @Nullable CudaFailure lost() {
    return lost;
  }

  /** Who is told, on the worker's thread, when this GPU is lost; at once if it is. */
  public void onLost(Consumer<CudaFailure> listener) {
    onLost = listener;
    CudaFailure already = lost;
    if (already != null) {
      listener.accept(already);
    }
  }

  GpuDrivers drivers() {
    return drivers;
  }

  /** The device's primary context; meaningless before {@link #ready}. */
  long context() {
    return context;
  }

  /** Starts one copy in a lane; copies of one lane are done in their order. Host memory must stay until it is told as done. */
  public void copy(int lane, GpuCopy copy, Done done) {
    copy(lane, List.of(copy), done);
  }

  /** Starts copies that are done one after the other, and told as done together. */
  public void copy(int lane, List<GpuCopy> copies, Done done) {
    var batch = new Batch(Math.floorMod(lane, LANES), copies, done);
    if (Thread.currentThread() == thread) {
      start(batch);
    } else {
      hand(() -> start(batch));
    }
  }

  /** Runs a call that may block on the worker's thread. Fails with a {@link CudaCallException}. */
  public <T> CompletableFuture<T> call(Act<T> act) {
    var answer = new CompletableFuture<T>();
    hand(() -> run(act, answer));
    return answer;
  }

  /** Makes and zeroes memory that others can be given. */
  public CompletableFuture<GpuView> allocate(ShareKind kind, long bytes) {
    return call(() -> {
      GpuView view = GpuView.allocate(drivers, device, kind, bytes);
      try {
        atOnce(new GpuCopy.Zero(view.address(), bytes));
        return view;
      } catch (CudaCallException failure) {
        closeAfter(view, failure);
        throw failure;
      }
    });
  }

  /** On the worker: one copy in a stream of its own, waited for. */
  private void atOnce(GpuCopy copy) throws CudaCallException {
    long stream = drivers.memory().createStream(device);
    var opened = new Opened();
    opened.add(() -> drivers.memory().destroyStream(device, stream));
    opened.during(() -> {
      drivers.copies().start(device, stream, copy);
      drivers.copies().synchronize(device, stream);
      return stream;
    });
  }

  private static void closeAfter(GpuView view, CudaCallException failure) {
    try {
      view.close();
    } catch (CudaCallException also) {
      failure.addSuppressed(also);
    }
  }

  /** Allocates with {@code cuMemAlloc}, as an application does that brings its own memory; nobody but the caller frees it. */
  public CompletableFuture<GpuSlice> allocatePlain(long bytes) {
    return call(() -> new GpuSlice(device, drivers.pointers().allocate(device, bytes), bytes));
  }

  /** Frees what {@link #allocatePlain} made. */
  public CompletableFuture<Void> freePlain(GpuSlice plain) {
    return call(() -> {
      drivers.pointers().free(device, plain.address());
      return null;
    });
  }

  /** Exports memory that the application has allocated. */
  public CompletableFuture<GpuView> ofPointer(long address, long bytes) {
    return call(() -> GpuView.ofPointer(drivers, device, address, bytes));
  }

  /** Maps another process's memory for this GPU, and reads a byte of it: a mapping that can't be touched is none. */
  public CompletableFuture<GpuView> importing(GpuExport exported, long allocationBytes) {
    return call(() -> {
      GpuView view = GpuView.imported(drivers, device, exported, allocationBytes);
      try (Arena arena = Arena.ofConfined()) {
        atOnce(new GpuCopy.ToHost(arena.allocate(1), view.address()));
        return view;
      } catch (CudaCallException failure) {
        closeAfter(view, failure);
        throw failure;
      }
    });
  }

  /** Closes memory after all copies that were handed over before; fails if something could not be given back. */
  public CompletableFuture<Void> close(GpuView view) {
    return call(() -> {
      view.close();
      return null;
    });
  }

  /** Free bytes of the device, whoever uses the rest. */
  public CompletableFuture<Long> freeBytes() {
    return call(() -> drivers.memory().freeBytes(device));
  }

  /** Ends the worker after what it was handed; fails with the first thing that could not be closed. */
  public CompletableFuture<Void> close() {
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

  // ---- on the worker's thread

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
    for (int i = 0; i < LANES; i++) {
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
    Done done = failure -> told(batch.done(), failure);
    if (gone != null) {
      done.done(gone);
    } else {
      lanes.get(batch.lane()).start(batch.copies(), done);
    }
  }

  private void told(Done done, @Nullable CudaFailure failure) {
    if (failure != null) {
      noteIfFatal(failure);
    }
    try {
      done.done(failure);
    } catch (RuntimeException mistake) {
      LOG.warn("gpu-listener-failed device={}", device, mistake);
    }
  }

  private <T> void run(Act<T> act, CompletableFuture<T> answer) {
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
      LOG.warn("gpu-lost device={} uuid={} cause={}", device, uuid, GpuTrouble.sentence(failure));
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
