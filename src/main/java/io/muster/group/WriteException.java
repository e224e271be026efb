// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

/**
 * A transfer that was not applied, or is not known to have been. The message names region, offset, length, peer, and
 * the remedy. The {@link #kind()} follows from the {@link #reason()}.
 */
public final class WriteException extends MusterException {
    private static final long serialVersionUID = 1L;

    /** Why the transfer failed. The order of the first seven is part of the wire format: append only. */
    public enum Reason {
        /** No region of that number is registered there (any more): its handle is out of date. */
        UNKNOWN_REGION(Kind.RETRY),
        /** The remote key is not the region's: the handle is out of date or forged. */
        WRONG_KEY(Kind.RETRY),
        /** Offset and length leave the region. */
        OUT_OF_BOUNDS(Kind.CONFIG),
        /** The region is being closed. */
        CLOSING(Kind.RETRY),
        /** One of the two ends could not carry it out. */
        FAILED(Kind.FATAL),
        /** The length is 0. */
        EMPTY(Kind.CONFIG),
        /** The region belongs to a group whose secret has not been proved over this channel. */
        UNPROVED(Kind.RETRY),
        /** Not answered within the deadline. */
        TIMEOUT(Kind.RETRY),
        /** The channel ended first; whether it was applied is not known. */
        CHANNEL_LOST(Kind.RETRY),
        /**
         * The memory of this process can't be used: it is on the Java heap, confined to a thread, or read-only, or its
         * arena was closed.
         */
        UNUSABLE(Kind.CONFIG);

        private final Kind kind;

        Reason(Kind kind) {
            this.kind = kind;
        }

        /** The kind of an exception with this reason. */
        public Kind kind() {
            return kind;
        }
    }

    private final Reason reason;

    public WriteException(Reason reason, String message) {
        super(reason.kind(), message);
        this.reason = reason;
    }

    public Reason reason() {
        return reason;
    }
}
