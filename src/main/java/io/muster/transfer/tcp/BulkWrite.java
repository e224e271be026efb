// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.WriteException;
import io.muster.transfer.RemoteRegion;
import io.vertx.core.Promise;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A write that this process has begun. Its promise is completed on the event loop of the bulk connection; so are its
 * fields used.
 */
final class BulkWrite {
    final RemoteRegion region;
    final long offset;
    final MemorySegment source;
    final Promise<Void> promise;
    long request;
    long deadlineNanos;
    long sent;
    /** Batches that hold bytes of the source and that the socket has not let go of. */
    int batchesInSocket;
    /** How it ends once the socket has let go of its memory; null while undecided. */
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
