// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

/** Memory of this process that the members of its clique can import. */
public interface ExportedHandle extends AutoCloseable {

    /**
     * The handle that a peer imports, at most {@link #MAX_BYTES}. Any process of the clique that has it can write to
     * the memory.
     */
    byte[] bytes();

    /** Frees the memory. Later imports are refused. Idempotent. Blocks. */
    @Override
    void close();

    /** Maximum length of a handle. */
    int MAX_BYTES = 256;
}
