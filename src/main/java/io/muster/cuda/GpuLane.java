package io.muster.cuda;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/** A non-blocking stream and the copies in it, in their order; for the worker's thread alone. */
final class GpuLane {
  private final CudaCopyDriver copies;
  private final int device;
  private final long stream;
  private final Deque<Long> spareEvents = new ArrayDeque<>();
  private final Deque<UnderWay> underWay = new ArrayDeque<>();
  private final CopyPace toDevice = new CopyPace();
  private final CopyPace toHost = new CopyPace();
  private final CopyPace onDevice = new CopyPace();
  /** Callbacks that were asked for and have not been seen to run: while there is one, their function must stay. */
  private boolean armed;

  /**
   * @param alone nothing was before it in the lane, so that its time says how fast the lane is
   * @param dueNanos when it should be done, by what was seen before; {@link CopyPace#UNKNOWN} if nothing was
   */
  private record UnderWay(long event, Gpu.Done done, CopyPace pace, long bytes, long startNanos, boolean alone, long dueNanos) {}

  private GpuLane(CudaCopyDriver copies, int device, long stream) {
    this.copies = copies;
    this.device = device;
    this.stream = stream;
  }

  static GpuLane open(GpuDrivers drivers, int device, Opened opened) throws CudaCallException {
    long stream = drivers.memory().createStream(device);
    opened.add(() -> drivers.memory().destroyStream(device, stream));
    var lane = new GpuLane(drivers.copies(), device, stream);
    opened.add(lane::closeEvents);
    return lane;
  }

  boolean isIdle() {
    return underWay.isEmpty();
  }

  /** Starts the copies, all or none of which are told as done. */
  void start(List<GpuCopy> wanted, Gpu.Done done) {
    try {
      if (spareEvents.isEmpty()) {
        spareEvents.push(copies.createEvent(device));
      }
      long startNanos = System.nanoTime();
      long bytes = 0;
      for (GpuCopy copy : wanted) {
        copies.start(device, stream, copy);
        bytes += copy.bytes();
      }
      copies.recordEvent(device, spareEvents.getFirst(), stream);
      CopyPace pace = pace(wanted.getLast());
      UnderWay before = underWay.peekLast();
      underWay.add(new UnderWay(spareEvents.pop(), done, pace, bytes, startNanos, before == null,
          pace.dueNanos(before == null || before.dueNanos() < startNanos ? startNanos : before.dueNanos(), bytes)));
    } catch (CudaCallException failure) {
      drainAfter(failure);
      done.done(failure.failure());
    }
  }

  /** Some of the copies may have begun: their memory must not be given back before they are over. */
  private void drainAfter(CudaCallException failure) {
    try {
      copies.synchronize(device, stream);
    } catch (CudaCallException also) {
      failure.addSuppressed(also);
    }
  }

  private CopyPace pace(GpuCopy copy) {
    return switch (copy) {
      case GpuCopy.ToDevice _ -> toDevice;
      case GpuCopy.ToHost _ -> toHost;
      case GpuCopy.OnDevice _, GpuCopy.Peer _, GpuCopy.Zero _ -> onDevice;
    };
  }

  /** When the next thing in this lane should be done; {@link CopyPace#UNKNOWN} if that is not known, or there is none. */
  long dueNanos() {
    UnderWay next = underWay.peek();
    return next == null ? CopyPace.UNKNOWN : next.dueNanos();
  }

  /** Tells of what is done by now; true if there was any. */
  boolean tellDone() {
    boolean told = false;
    for (UnderWay first = underWay.peek(); first != null; first = underWay.peek()) {
      try {
        if (!copies.isDone(device, first.event())) {
          return told;
        }
        underWay.poll();
        spareEvents.push(first.event());
        if (first.alone()) {
          first.pace().took(first.bytes(), System.nanoTime() - first.startNanos());
        }
        first.done().done(null);
      } catch (CudaCallException failure) {
        underWay.poll();
        spareEvents.push(first.event());
        first.done().done(failure.failure());
      }
      told = true;
      armed = false;
    }
    return told;
  }

  /** Has the driver call the function when all that is under way is done, unless the end is known and to come; once for the same copies. */
  void armUnlessTimed(long function) {
    if (armed || underWay.isEmpty() || (dueNanos() != CopyPace.UNKNOWN && dueNanos() - System.nanoTime() > 0)) {
      return;
    }
    try {
      copies.addCallback(device, stream, function);
      armed = true;
    } catch (CudaCallException _) {
      armed = false; // the worker looks again by itself, and then learns what is wrong
    }
  }

  void drain() throws CudaCallException {
    copies.synchronize(device, stream);
  }

  private void closeEvents() throws CudaCallException {
    var events = new Opened();
    spareEvents.forEach(event -> events.add(() -> copies.destroyEvent(device, event)));
    spareEvents.clear();
    events.close();
  }
}
