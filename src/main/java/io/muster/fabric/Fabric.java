// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

import io.muster.group.FabricVerdict;
import io.muster.group.Member;

/**
 * Memory that the members of one clique can reach in each other. A link is short-circuited when each end has imported
 * and touched the memory that the other exported. {@link #export} makes the bytes that a handle carries,
 * {@link #importPeer} imports them at the peer.
 *
 * <p>{@link #export}, {@link #importPeer} and {@link #close} <b>block</b> (file system, driver): call them on a worker.
 * All methods may be called from several threads.
 */
public interface Fabric extends AutoCloseable {

    /** The verdict on this fabric. Never blocks. */
    FabricVerdict verdict();

    /**
     * Makes memory that peers can import. It exists until the result or the fabric is closed. Expected failures are
     * returned, not thrown.
     */
    FabricExport export(Member owner);

    /**
     * Imports a peer's memory, writes to it, reads it back and unmaps it. Never throws, whatever the bytes are.
     *
     * @param local the member on whose behalf the memory is imported
     * @param peer the member that must have exported it; memory of another member, or of an older life of this one, is
     *     refused
     * @param exported as {@link ExportedHandle#bytes()} made it at the peer; it comes from another process and is not
     *     trusted
     */
    FabricImport importPeer(Member local, Member peer, byte[] exported);

    /** Frees all exported memory. Idempotent. */
    @Override
    void close();
}
