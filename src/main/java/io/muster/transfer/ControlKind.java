// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

/**
 * The receiver of a control message. The transport does not interpret the payload. The ordinals are part of the
 * protocol: append only.
 */
public enum ControlKind {
    /** Handshake of links: {@code io.muster.peer}. */
    LINK,
    /**
     * A copy of an entry that was just written to the store, so that the receiver need not wait for the notification of
     * the store: {@code io.muster.barrier}.
     */
    GOSSIP,
    /** Questions about the holder of a rank, and their answers: {@code io.muster.barrier}. */
    CLAIM,
    /** Questions about which process reaches which, and their answers: {@code io.muster.barrier}. */
    VIEW,
    /** Requests of transfers to the other process, and their answers: {@code io.muster.transfer.gpu}. */
    TRANSFER,
    /** As LINK, signed with the secret of its group. */
    SEALED_LINK,
    /** As CLAIM, signed with the secret of its group. */
    SEALED_CLAIM,
    /** Questions about the status of a group, and their answers: {@code io.muster.routing}. */
    STATUS,
    /** As STATUS, signed with the secret of its group. */
    SEALED_STATUS
}
