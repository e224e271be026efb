// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

/**
 * Why a remote write was not applied, or is not known to have been. The message names region, offset, length, peer, and
 * what to do.
 */
public final class WriteException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What happened to the write. The order of the first seven is the wire's: append only. */
    public enum Kind {
        /** No region of that number is registered there (any more). */
        UNKNOWN_REGION,
        /** The remote key is not the region's. */
        WRONG_KEY,
        /** Offset and length leave the region. */
        OUT_OF_BOUNDS,
        /** The region is being closed. */
        CLOSING,
        /** The target could not apply it. */
        FAILED,
        /** Nothing to write. */
        EMPTY,
        /** The region belongs to a group whose secret has not been proved over this channel. */
        UNPROVED,
        /** Not answered within the deadline. */
        TIMEOUT,
        /** The channel ended first; whether it was applied is not known. */
        CHANNEL_LOST
    }

    private final Kind kind;

    public WriteException(Kind kind, String message) {
        super(message, null, false, false);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }
}
