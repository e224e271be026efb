package io.muster.cuda;

import java.util.ArrayDeque;
import java.util.Deque;

/** A non-blocking stream and the copies in it, in their order; for the worker's thread alone. */
final class GpuLane {
  private final CudaCopyDriver copies;
  private final int device;
  private final long stream;
  private final Deque<Long> spareEvents = new ArrayDeque<>();
  private final Deque<UnderWay> underWay = new ArrayDeque<>();
  /** Callbacks that were asked for and have not been seen to run: while there is one, their function must stay. */
  private boolean armed;

  private record UnderWay(long event, Gpu.Done done) {}

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
  void start(Iterable<GpuCopy> wanted, Gpu.Done done) {
    try {
      if (spareEvents.isEmpty()) {
        spareEvents.push(copies.createEvent(device));
      }
      for (GpuCopy copy : wanted) {
        copies.start(device, stream, copy);
      }
      copies.recordEvent(device, spareEvents.getFirst(), stream);
      underWay.add(new UnderWay(spareEvents.pop(), done));
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

  /** Has the driver call the function when all that is under way is done; once for the same copies. */
  void arm(long function) {
    if (armed || underWay.isEmpty()) {
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
