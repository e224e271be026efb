// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.gpu;

import io.muster.cuda.Gpu;
import io.muster.cuda.GpuView;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.List;

/**
 * A region of another process, mapped for one GPU of this one. Copies hold leases on it; closing refuses new ones,
 * waits for those that are held, and then unmaps (T-5). Thread-safe: the counter is guarded by this object's monitor.
 */
final class GpuImport {
    private final Gpu gpu;
    private final GpuView view;
    private final GpuWays.Way way;
    private final List<String> refused;
    private final Promise<Void> idle = Promise.promise();
    private int leases;
    private boolean closing;

    /** @param refused why the ways before this one were not taken */
    GpuImport(Gpu gpu, GpuView view, GpuWays.Way way, List<String> refused) {
        this.gpu = gpu;
        this.view = view;
        this.way = way;
        this.refused = List.copyOf(refused);
    }

    Gpu gpu() {
        return gpu;
    }

    GpuWays.Way way() {
        return way;
    }

    List<String> refused() {
        return refused;
    }

    /** Where the region begins, at this process. */
    long address() {
        return view.address() + way.record().offset();
    }

    synchronized boolean lease() {
        if (closing) {
            return false;
        }
        leases++;
        return true;
    }

    void release() {
        boolean last;
        synchronized (this) {
            leases--;
            last = closing && leases == 0;
        }
        if (last) {
            idle.tryComplete();
        }
    }

    /** Completes when it is unmapped; fails if it could not be. */
    Future<Void> close() {
        boolean free;
        synchronized (this) {
            closing = true;
            free = leases == 0;
        }
        if (free) {
            idle.tryComplete();
        }
        return idle.future().compose(_ -> Future.fromCompletionStage(gpu.close(view)));
    }
}
