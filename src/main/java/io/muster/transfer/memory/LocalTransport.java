// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.memory;

import io.muster.group.WriteException;
import io.muster.transfer.HostMemory;
import io.muster.transfer.RemoteRegion;
import io.muster.transfer.WriteFailures;
import io.vertx.core.Future;
import java.lang.foreign.MemorySegment;

/**
 * Reads and writes within this process, with the same checks and errors as over a connection, and one copy.
 * Thread-safe.
 */
public final class LocalTransport {
    private final RegionTable regions;

    public LocalTransport(RegionTable regions) {
        this.regions = regions;
    }

    /**
     * Copies on the caller's thread, and then calls the region's {@link Region.WriteListener} on that thread.
     *
     * @return already completed: succeeded, or failed with a {@link WriteException}
     */
    public Future<Void> write(RemoteRegion region, long offset, MemorySegment source) {
        return switch (regions.lease(region.id(), region.key(), offset, source.byteSize())) {
            case LeaseOutcome.Refused refused ->
                Future.failedFuture(WriteFailures.refused(
                        refused.reason(), refused.detail(), region, offset, source.byteSize(), "this process"));
            case Lease lease -> apply(lease, region, offset, source);
        };
    }

    /** Copies from the region into {@code destination}. The result is as of {@link #write}. */
    public Future<Void> read(RemoteRegion region, long offset, MemorySegment destination) {
        return switch (regions.lease(region.id(), region.key(), offset, destination.byteSize())) {
            case LeaseOutcome.Refused refused ->
                Future.failedFuture(WriteFailures.refused(
                        refused.reason(), refused.detail(), region, offset, destination.byteSize(), "this process"));
            case Lease lease -> {
                try {
                    MemorySegment.copy(lease.region().memory(), offset, destination, 0, destination.byteSize());
                    yield Future.succeededFuture();
                } catch (RuntimeException failure) {
                    yield failed(failure, lease, region, offset, destination);
                } finally {
                    lease.release();
                }
            }
        };
    }

    private static Future<Void> apply(Lease lease, RemoteRegion region, long offset, MemorySegment source) {
        try {
            lease.copyFrom(source, 0, 0, source.byteSize());
            lease.announce();
            return Future.succeededFuture();
        } catch (RuntimeException failure) {
            return failed(failure, lease, region, offset, source);
        } finally {
            lease.release();
        }
    }

    private static Future<Void> failed(
            RuntimeException failure, Lease lease, RemoteRegion region, long offset, MemorySegment local) {
        boolean freed = !local.scope().isAlive();
        return Future.failedFuture(WriteFailures.refused(
                freed ? WriteException.Reason.UNUSABLE : WriteException.Reason.FAILED,
                freed ? HostMemory.CLOSED_UNDER_WAY : lease.text(failure),
                region,
                offset,
                local.byteSize(),
                "this process"));
    }
}
