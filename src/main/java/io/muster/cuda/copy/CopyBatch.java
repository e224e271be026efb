// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.copy;

import io.muster.cuda.driver.GpuCopy;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;

/**
 * Copies that are handed to their GPUs together. Each GPU's thread starts its share in one visit of its queue, and
 * records one event per lane for all of them. A copy that is added after the start is started at once.
 *
 * <p>Thread-safe, by its monitor: the caller adds copies on its own thread, and a copy that first needs a mapping is
 * added by the thread that completes the mapping.
 */
public final class CopyBatch implements CopyQueue {
    private final IdentityHashMap<CopyStarter, List<WantedCopy>> waiting = new IdentityHashMap<>();
    private boolean started;

    @Override
    public void add(CopyStarter gpu, int lane, GpuCopy copy, CopyDone done) {
        if (!held(gpu, new WantedCopy(Math.floorMod(lane, CopyStarter.LANES), List.of(copy), done))) {
            gpu.copy(lane, copy, done);
        }
    }

    private synchronized boolean held(CopyStarter gpu, WantedCopy wanted) {
        if (started) {
            return false;
        }
        waiting.computeIfAbsent(gpu, first -> {
                    first.expect();
                    return new ArrayList<>();
                })
                .add(wanted);
        return true;
    }

    /** Starts all copies added so far. */
    public void start() {
        IdentityHashMap<CopyStarter, List<WantedCopy>> ready;
        synchronized (this) {
            started = true;
            ready = new IdentityHashMap<>(waiting);
            waiting.clear();
        }
        ready.forEach(CopyStarter::copyTogether);
    }
}
