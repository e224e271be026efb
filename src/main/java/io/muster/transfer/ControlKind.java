// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

import io.muster.transfer.gpu.TransferMessage;

/** Who reads a control message. The transport does not look inside. The order is the wire's: append only. */
public enum ControlKind {
    /** Handshake of links: {@code io.muster.peer}. */
    LINK,
    /**
     * What has just been written to the store, so that nobody waits for the store's own push:
     * {@code io.muster.barrier}.
     */
    GOSSIP,
    /** Questions about who holds which rank, and their answers: {@code io.muster.barrier}. */
    CLAIM,
    /** Questions about who reaches whom, and their answers: {@code io.muster.barrier}. */
    VIEW,
    /** What transfers ask of the other process: {@link TransferMessage}. */
    TRANSFER,
    /** As LINK, signed with the secret of its group. */
    SEALED_LINK,
    /** As CLAIM, signed with the secret of its group. */
    SEALED_CLAIM
}
