// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.WriteException;
import io.muster.transfer.RemoteRegion;
import io.vertx.core.Promise;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A write of this process that is not completed. Its fields are used, and its promise is completed, on the event loop
 * of the bulk connection.
 */
final class BulkWrite {
    final RemoteRegion region;
    final long offset;
    final MemorySegment source;
    final Promise<Void> promise;
    long request;
    long deadlineNanos;
    long sent;
    /** Number of batches in the socket that refer to the source. */
    int batchesInSocket;
    /** The failure to report once the socket does not refer to the source any more; null while there is none. */
    @Nullable
    WriteException verdict;

    BulkWrite(RemoteRegion region, long offset, MemorySegment source, Promise<Void> promise) {
        this.region = region;
        this.offset = offset;
        this.source = source;
        this.promise = promise;
    }

    long length() {
        return source.byteSize();
    }
}
