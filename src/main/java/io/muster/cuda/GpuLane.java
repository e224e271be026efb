// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.CudaFailure;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A non-blocking stream and the copies in it, in their order; for the worker's thread alone. Copies are started into
 * the stream one after the other, and sealed by one event for all that were started since the last: an event costs
 * about as much as starting a copy.
 */
final class GpuLane {
    /**
     * Copies that were not handed over together share an event up to so many bytes: what is waited for longer than an
     * event costs has its own.
     */
    private static final long SHARED_BYTES = 256 << 10;

    private final CudaCopyDriver copies;
    private final int device;
    private final long stream;
    private final Deque<Long> spareEvents = new ArrayDeque<>();
    private final Deque<UnderWay> underWay = new ArrayDeque<>();
    private final CopyPace toDevice;
    private final CopyPace toHost;
    private final CopyPace onDevice;
    /** What was started and has no event yet. */
    private @Nullable Started started;
    /** Callbacks that were asked for and have not been seen to run: while there is one, their function must stay. */
    private boolean armed;

    private static final class Started {
        final long startNanos;
        final CopyPace pace;
        final List<Gpu.Done> told = new ArrayList<>();
        long bytes;
        int copies;

        Started(long startNanos, CopyPace pace) {
            this.startNanos = startNanos;
            this.pace = pace;
        }
    }

    /**
     * @param telling its time says how fast one copy is: it is one, and nothing was before it in the lane
     * @param dueNanos when it should be done, by what was seen before; {@link CopyPace#UNKNOWN} if nothing was
     */
    private record UnderWay(long event, Started started, boolean telling, long dueNanos) {}

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

    /**
     * Starts copies that were handed over by themselves, and seals them with others of this visit if they are small.
     */
    void startAlone(WantedCopy wanted) {
        long bytes = wanted.bytes();
        if (started != null && started.bytes + bytes > SHARED_BYTES) {
            seal();
        }
        start(wanted, bytes);
    }

    /** Starts copies that are all told as done, or none. */
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
            with.told.add(wanted.done());
            with.bytes += bytes;
            with.copies += wanted.copies().size();
        } catch (CudaCallException failure) {
            drainAfter(failure);
            wanted.done().done(failure.failure());
        }
    }

    /** Records the event of what was started since the last. */
    void seal() {
        Started with = started;
        started = null;
        if (with == null || with.told.isEmpty()) {
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
            with.told.forEach(done -> done.done(failure.failure()));
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

    /**
     * When the next thing in this lane should be done; {@link CopyPace#UNKNOWN} if that is not known, or there is none.
     */
    long dueNanos() {
        UnderWay next = underWay.peek();
        return next == null ? CopyPace.UNKNOWN : next.dueNanos();
    }

    /** Tells of what is done by now; true if there was any. */
    boolean tellDone() {
        boolean told = false;
        for (UnderWay first = underWay.peek(); first != null; first = underWay.peek()) {
            CudaFailure failed = null;
            try {
                if (!copies.isDone(device, first.event())) {
                    return told;
                }
            } catch (CudaCallException failure) {
                failed = failure.failure();
            }
            underWay.poll();
            spareEvents.push(first.event());
            if (failed == null && first.telling()) {
                first.started().pace.took(first.started().bytes, System.nanoTime() - first.started().startNanos);
            }
            for (Gpu.Done done : first.started().told) {
                done.done(failed);
            }
            told = true;
            armed = false;
        }
        return told;
    }

    /** Has the driver call the function when all that is under way is done, unless the end is known and to come. */
    void armUnlessTimed(long function) {
        if (dueNanos() == CopyPace.UNKNOWN || dueNanos() - System.nanoTime() <= 0) {
            arm(function);
        }
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
