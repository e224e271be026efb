// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

/** Memory of this process that the members of its clique can import. */
public interface ExportedHandle extends AutoCloseable {

    /**
     * What a peer needs to import it: at most {@link #MAX_BYTES}. Whoever has them and is in the clique can write to
     * the memory.
     */
    byte[] bytes();

    /** Takes the memory back. Later imports are refused. Idempotent. Blocks. */
    @Override
    void close();

    /** No handle is longer. */
    int MAX_BYTES = 256;
}
