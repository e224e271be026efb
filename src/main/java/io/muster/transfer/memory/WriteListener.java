// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.memory;

/** Is called after a write into a region. */
@FunctionalInterface
public interface WriteListener {
    /**
     * The bytes were applied, and the write is not acknowledged yet. Called on the event loop of the bulk connection,
     * or on the writer's thread for writes within this process. Must not block.
     */
    void written(Region region, long offset, long length);
}
