// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.copy;

import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.GpuDrivers;
import io.muster.cuda.driver.Opened;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The lanes of one GPU; used by its worker's thread alone. */
final class GpuLanes {
    private final List<GpuLane> lanes = new ArrayList<>();

    void open(GpuDrivers drivers, int device, WaitRule rule, Opened opened) throws CudaCallException {
        for (int i = 0; i < CopyStarter.LANES; i++) {
            lanes.add(GpuLane.open(drivers, device, rule, opened));
        }
    }

    /** Starts copies; their event is recorded at the end of the visit. */
    void start(WantedCopy wanted) {
        lanes.get(wanted.lane()).startAlone(wanted);
    }

    /** Starts copies that were handed over together, with one event per lane. */
    void startTogether(List<WantedCopy> batch) {
        seal(); // earlier copies do not wait for the batch
        batch.forEach(wanted -> lanes.get(wanted.lane()).start(wanted, wanted.bytes()));
        seal();
    }

    void seal() {
        lanes.forEach(GpuLane::seal);
    }

    /** Reports the copies that have ended; true if there were any. */
    boolean reportDone() {
        boolean reported = false;
        for (GpuLane lane : lanes) {
            reported |= lane.reportDone();
        }
        return reported;
    }

    boolean isIdle() {
        return lanes.stream().allMatch(GpuLane::isIdle);
    }

    /** @param shortNanos a copy that is expected to end within this time is short */
    WaitRule.UnderWay underWay(long nowNanos, long shortNanos) {
        boolean idle = true;
        boolean someShort = false;
        long least = WaitEstimates.Pace.UNKNOWN;
        for (GpuLane lane : lanes) {
            if (!lane.isIdle()) {
                idle = false;
                long due = lane.dueNanos();
                if (due == WaitEstimates.Pace.UNKNOWN) {
                    someShort = true;
                } else {
                    someShort |= due - nowNanos <= shortNanos;
                    least = Math.min(least, due - nowNanos);
                }
            }
        }
        return new WaitRule.UnderWay(idle, least, !idle && !someShort);
    }

    /** Has the driver wake the thread when copies in progress end. */
    void arm(long wakeUp) {
        lanes.forEach(lane -> lane.arm(wakeUp));
    }

    /** Likewise, except in lanes whose next copies have an expected end in the future. */
    void armUnlessTimed(long wakeUp) {
        lanes.forEach(lane -> lane.armUnlessTimed(wakeUp));
    }

    /** Waits for all copies; returns the first failure, null if there was none. */
    @Nullable
    CudaCallException drain() {
        CudaCallException failed = null;
        for (GpuLane lane : lanes) {
            try {
                lane.drain();
            } catch (CudaCallException failure) {
                failed = failed == null ? failure : failed;
            }
        }
        return failed;
    }
}
