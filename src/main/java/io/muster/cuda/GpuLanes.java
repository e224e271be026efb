// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.driver.CudaCallException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The lanes of one GPU; for its worker's thread alone. */
final class GpuLanes {
    private final List<GpuLane> lanes = new ArrayList<>();

    void open(GpuDrivers drivers, int device, WaitRule rule, Opened opened) throws CudaCallException {
        for (int i = 0; i < Gpu.LANES; i++) {
            lanes.add(GpuLane.open(drivers, device, rule, opened));
        }
    }

    /** Starts copies, to be sealed at the end of the visit. */
    void start(WantedCopy wanted) {
        lanes.get(wanted.lane()).startAlone(wanted);
    }

    /** Starts copies that were handed over together: one event a lane. */
    void startTogether(List<WantedCopy> batch) {
        seal(); // whoever came before does not wait for the batch
        batch.forEach(wanted -> lanes.get(wanted.lane()).start(wanted, wanted.bytes()));
        seal();
    }

    void seal() {
        lanes.forEach(GpuLane::seal);
    }

    /** Tells of what is done by now; true if there was any. */
    boolean tellDone() {
        boolean told = false;
        for (GpuLane lane : lanes) {
            told |= lane.tellDone();
        }
        return told;
    }

    boolean isIdle() {
        return lanes.stream().allMatch(GpuLane::isIdle);
    }

    /** @param shortNanos what takes no longer is short */
    WaitRule.UnderWay underWay(long nowNanos, long shortNanos) {
        boolean idle = true;
        boolean someShort = false;
        long least = CopyPace.UNKNOWN;
        for (GpuLane lane : lanes) {
            if (!lane.isIdle()) {
                idle = false;
                long due = lane.dueNanos();
                if (due == CopyPace.UNKNOWN) {
                    someShort = true;
                } else {
                    someShort |= due - nowNanos <= shortNanos;
                    least = Math.min(least, due - nowNanos);
                }
            }
        }
        return new WaitRule.UnderWay(idle, least, !idle && !someShort);
    }

    /** Has the driver wake the thread for all that is under way. */
    void arm(long wakeUp) {
        lanes.forEach(lane -> lane.arm(wakeUp));
    }

    /** Likewise, but for copies whose end is known and to come. */
    void armUnlessTimed(long wakeUp) {
        lanes.forEach(lane -> lane.armUnlessTimed(wakeUp));
    }

    /** Waits for all; the first failure, null if there was none. */
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
