// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * Copies that are handed to their GPUs together: each GPU's thread starts its own in one visit, and each lane has one
 * event for all of them. What is added after the start goes by itself. Thread-safe: guarded by its monitor, where the
 * caller meets whoever had to wait for a mapping.
 */
public final class CopyBatch implements CopyQueue {
    private final Map<Gpu, List<WantedCopy>> waiting = new IdentityHashMap<>();
    private boolean started;

    @Override
    public void add(Gpu gpu, int lane, GpuCopy copy, Gpu.Done done) {
        if (!held(gpu, new WantedCopy(Math.floorMod(lane, Gpu.LANES), List.of(copy), done))) {
            gpu.copy(lane, copy, done);
        }
    }

    private synchronized boolean held(Gpu gpu, WantedCopy wanted) {
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

    /** Hands over what was added. */
    public void start() {
        Map<Gpu, List<WantedCopy>> ready;
        synchronized (this) {
            started = true;
            ready = new IdentityHashMap<>(waiting);
            waiting.clear();
        }
        ready.forEach(Gpu::copyTogether);
    }
}
