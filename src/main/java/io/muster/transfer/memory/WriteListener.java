// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.memory;

/** Told of writes into a region. */
@FunctionalInterface
public interface WriteListener {
    /**
     * Bytes were applied; the initiator has not been told yet. Called on the event loop of the bulk connection (for
     * {@code local} writes: on the writer's thread): must not block.
     */
    void written(Region region, long offset, long length);
}
