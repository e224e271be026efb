// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.transfer.RemoteRegion;
import io.vertx.core.Promise;
import java.lang.foreign.MemorySegment;

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
    /** Moves as long as bytes of this connection arrive and those of this write have not all arrived. */
    long deadlineNanos;

    long sent;
    /** Position in the stream of the connection after the last byte; meaningful once all bytes are sent. */
    long endsAt;
    /** Whether the peer has read all bytes. */
    boolean arrived;

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
