// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

/**
 * How this process knows that a channel is over.
 *
 * @param kind what was seen on the path
 * @param detail one sentence with numbers, for a person
 */
public record LossEvidence(Kind kind, String detail) {
    /** What was seen on the path. */
    public enum Kind {
        /** The other end's socket was closed or reset: its process ended, or closed on purpose. */
        SOCKET_CLOSED,
        /** Nothing was heard for the liveness limit. */
        SILENCE,
        /** The other end sent what it must not. */
        PROTOCOL_ERROR,
        /** A later channel of the same process, or a new process at the same address, took its place. */
        REPLACED,
        /** This process closed it. */
        CLOSED_HERE,
        /**
         * The other end had heard nothing from this process for the liveness limit: this one was stopped, or cut off,
         * not the other.
         */
        UNHEARD;

        /**
         * Whether nothing at all was heard of the other end. Where this one is unheard, the other has said so itself.
         */
        public boolean isSilence() {
            return switch (this) {
                case SILENCE -> true;
                case SOCKET_CLOSED, PROTOCOL_ERROR, REPLACED, CLOSED_HERE, UNHEARD -> false;
            };
        }
    }
}
