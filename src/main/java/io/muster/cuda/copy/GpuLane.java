// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.copy;

import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.CudaCopyDriver;
import io.muster.cuda.driver.CudaFailure;
import io.muster.cuda.driver.GpuCopy;
import io.muster.cuda.driver.GpuDrivers;
import io.muster.cuda.driver.Opened;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * A non-blocking stream and the copies in it, in their order; used by the worker's thread alone. Copies are started
 * into the stream one after the other, and one event is recorded for all copies started since the last event: an event
 * costs about as much as starting a copy.
 */
final class GpuLane {
    /**
     * Copies that were handed over one by one share an event up to this many bytes. A larger copy takes longer than an
     * event costs, so it has its own.
     */
    private static final long SHARED_BYTES = 256 << 10;

    private final CudaCopyDriver copies;
    private final int device;
    private final long stream;
    private final Deque<Long> spareEvents = new ArrayDeque<>();
    private final Deque<UnderWay> underWay = new ArrayDeque<>();
    private final WaitEstimates.Pace toDevice;
    private final WaitEstimates.Pace toHost;
    private final WaitEstimates.Pace onDevice;
    /** The copies that were started and have no event yet. */
    private @Nullable Started started;
    /** True if a callback is requested for the copies in progress, so that it is not requested twice. */
    private boolean armed;

    private static final class Started {
        final long startNanos;
        final WaitEstimates.Pace pace;
        final List<CopyDone> listeners = new ArrayList<>();
        long bytes;
        int copies;

        Started(long startNanos, WaitEstimates.Pace pace) {
            this.startNanos = startNanos;
            this.pace = pace;
        }
    }

    /**
     * @param measured true if its duration is that of one copy: it is a single copy, and the lane was empty before it
     * @param dueNanos the expected end; {@link WaitEstimates.Pace#UNKNOWN} if there is no estimate
     */
    private record UnderWay(long event, Started started, boolean measured, long dueNanos) {}

    private GpuLane(CudaCopyDriver copies, int device, long stream, WaitRule rule) {
        this.copies = copies;
        this.device = device;
        this.stream = stream;
        this.toDevice = rule.pace();
        this.toHost = rule.pace();
        this.onDevice = rule.pace();
    }

    static GpuLane open(GpuDrivers drivers, int device, WaitRule rule, Opened opened) throws CudaCallException {
        long stream = drivers.memory().createStream(device);
        opened.add(() -> drivers.memory().destroyStream(device, stream));
        var lane = new GpuLane(drivers.copies(), device, stream, rule);
        opened.add(lane::closeEvents);
        return lane;
    }

    boolean isIdle() {
        return underWay.isEmpty() && started == null;
    }

    /** Starts copies that were handed over one by one. Small ones share the event of this visit. */
    void startAlone(WantedCopy wanted) {
        long bytes = wanted.bytes();
        if (started != null && started.bytes + bytes > SHARED_BYTES) {
            seal();
        }
        start(wanted, bytes);
    }

    /** Starts copies that are reported by one call. If one can't be started, all of them are reported as failed. */
    void start(WantedCopy wanted, long bytes) {
        try {
            if (spareEvents.isEmpty()) {
                spareEvents.push(copies.createEvent(device));
            }
            Started with = started;
            if (with == null) {
                with = new Started(System.nanoTime(), pace(wanted.copies().getLast()));
                started = with;
            }
            for (GpuCopy copy : wanted.copies()) {
                copies.start(device, stream, copy);
            }
            with.listeners.add(wanted.done());
            with.bytes += bytes;
            with.copies += wanted.copies().size();
        } catch (CudaCallException failure) {
            drainAfter(failure);
            wanted.done().done(failure.failure());
        } catch (RuntimeException unusable) { // the arena of the host memory was closed
            CudaFailure failure = new CudaFailure(
                    "copy", OptionalInt.of(device), CudaFailure.INVALID_VALUE, "host memory: " + unusable.getMessage());
            drainAfter(new CudaCallException(failure));
            wanted.done().done(failure);
        }
    }

    /** Records the event for the copies started since the last event. */
    void seal() {
        Started with = started;
        started = null;
        if (with == null || with.listeners.isEmpty()) {
            return;
        }
        try {
            copies.recordEvent(device, spareEvents.getFirst(), stream);
            UnderWay before = underWay.peekLast();
            underWay.add(new UnderWay(
                    spareEvents.pop(),
                    with,
                    before == null && with.copies == 1,
                    with.pace.dueNanos(
                            before == null || before.dueNanos() < with.startNanos ? with.startNanos : before.dueNanos(),
                            with.bytes)));
        } catch (CudaCallException failure) {
            drainAfter(failure);
            with.listeners.forEach(done -> done.done(failure.failure()));
        }
    }

    /** Waits for copies that may have begun: their memory must not be freed before they end. */
    private void drainAfter(CudaCallException failure) {
        try {
            copies.synchronize(device, stream);
        } catch (CudaCallException also) {
            failure.addSuppressed(also);
        }
    }

    private WaitEstimates.Pace pace(GpuCopy copy) {
        return switch (copy) {
            case GpuCopy.ToDevice _ -> toDevice;
            case GpuCopy.ToHost _ -> toHost;
            case GpuCopy.OnDevice _, GpuCopy.Peer _, GpuCopy.Zero _ -> onDevice;
        };
    }

    /**
     * The expected end of the next copies in this lane; {@link WaitEstimates.Pace#UNKNOWN} without an estimate or
     * without copies.
     */
    long dueNanos() {
        UnderWay next = underWay.peek();
        return next == null ? WaitEstimates.Pace.UNKNOWN : next.dueNanos();
    }

    /** Reports the copies that have ended; true if there were any. */
    boolean reportDone() {
        boolean reported = false;
        for (UnderWay first = underWay.peek(); first != null; first = underWay.peek()) {
            CudaFailure failed = null;
            try {
                if (!copies.isDone(device, first.event())) {
                    return reported;
                }
            } catch (CudaCallException failure) {
                failed = failure.failure();
            }
            underWay.poll();
            spareEvents.push(first.event());
            if (failed == null && first.measured()) {
                first.started().pace.took(first.started().bytes, System.nanoTime() - first.started().startNanos);
            }
            for (CopyDone done : first.started().listeners) {
                done.done(failed);
            }
            reported = true;
            armed = false;
        }
        return reported;
    }

    /** Requests a callback as {@link #arm} does, unless the next copies have an expected end in the future. */
    void armUnlessTimed(long function) {
        if (dueNanos() == WaitEstimates.Pace.UNKNOWN || dueNanos() - System.nanoTime() <= 0) {
            arm(function);
        }
    }

    /** Has the driver call the function when all copies in progress have ended; once for the same copies. */
    void arm(long function) {
        if (armed || underWay.isEmpty()) {
            return;
        }
        try {
            copies.addCallback(device, stream, function);
            armed = true;
        } catch (CudaCallException _) {
            armed = false; // the worker queries the event after some time, and gets the failure then
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
