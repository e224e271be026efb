// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

import io.muster.group.FabricVerdict;
import io.muster.group.Member;

/**
 * Memory that the members of one clique can reach in each other. A link is short-circuited when each side has imported,
 * and touched, what the other has exported: {@link #export} makes the bytes that travel in a handle,
 * {@link #importPeer} is the act.
 *
 * <p>{@link #export}, {@link #importPeer} and {@link #close} <b>block</b> (file system, driver): call them on a worker.
 * All methods may be called from several threads.
 */
public interface Fabric extends AutoCloseable {

    /** What is known about this fabric. Never blocks. */
    FabricVerdict verdict();

    /**
     * Makes memory that others can import. It lives until the result, or the fabric, is closed. Expected failures are
     * an answer.
     */
    FabricExport export(Member owner);

    /**
     * Imports a peer's memory, writes to it, reads it back and lets go of it. Total: any bytes get an answer.
     *
     * @param local the member on whose behalf the memory is imported
     * @param peer the member that is said to have exported it; the memory of any other, also of an older life, is
     *     refused
     * @param exported as {@link ExportedHandle#bytes()} made it at the peer; it comes from outside and is not trusted
     */
    FabricImport importPeer(Member local, Member peer, byte[] exported);

    /** Takes back all that was exported. Idempotent. */
    @Override
    void close();
}
