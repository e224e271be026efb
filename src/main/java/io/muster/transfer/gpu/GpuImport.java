// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.gpu;

import io.muster.cuda.Gpu;
import io.muster.cuda.GpuView;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.List;

/**
 * A region of another process that is mapped for one GPU of this process. A copy holds a lease on it. {@link #close}
 * refuses new leases, waits for those that are held, and then unmaps (T-5). Thread-safe: this object's monitor guards
 * the lease count.
 */
final class GpuImport {
    private final Gpu gpu;
    private final GpuView view;
    private final GpuWays.Way way;
    private final List<String> refused;
    private final Promise<Void> idle = Promise.promise();
    private int leases;
    private boolean closing;

    /** @param refused why each better way was not used */
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

    /** The address of the region in this process. */
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

    /** Completes when the region is unmapped; fails if the driver refuses. */
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
