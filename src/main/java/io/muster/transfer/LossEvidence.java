// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

/**
 * How this process knows that a channel is over.
 *
 * @param kind what was observed on the path
 * @param reason the purpose of an end that closed the channel deliberately; {@link Reason#OTHER} for everything else
 * @param detail one clause with numbers, for a person; no code reads it
 */
public record LossEvidence(Kind kind, Reason reason, String detail) {

    /** What was observed on the path. The order is the wire's (farewell): append only. */
    public enum Kind {
        /** The socket of the peer was closed or reset: its process ended, or closed the channel on purpose. */
        SOCKET_CLOSED,
        /** Nothing was received for the liveness limit. */
        SILENCE,
        /** The peer violated the protocol. */
        PROTOCOL_ERROR,
        /** A later channel of the same process, or a new process at the same address, replaced it. */
        REPLACED,
        /** This process closed it. */
        CLOSED_HERE,
        /**
         * The peer received nothing from this process for the liveness limit, and said so: this process was stopped or
         * cut off, not the peer.
         */
        UNHEARD,
        /**
         * The control connection is alive, and bytes that were sent on the bulk connection do not arrive. The path has
         * failed, and neither process.
         */
        STALLED,
        /** This process had too little direct memory for the connection. */
        OUT_OF_MEMORY,
        /** The peer had too little direct memory for the connection, and said so. */
        PEER_OUT_OF_MEMORY;

        /** Whether this process received nothing from the peer. False for {@link #UNHEARD}: there the peer spoke. */
        public boolean isSilence() {
            return switch (this) {
                case SILENCE -> true;
                case SOCKET_CLOSED,
                        PROTOCOL_ERROR,
                        REPLACED,
                        CLOSED_HERE,
                        UNHEARD,
                        STALLED,
                        OUT_OF_MEMORY,
                        PEER_OUT_OF_MEMORY -> false;
            };
        }
    }

    /**
     * Why an end closed the channel on purpose. Both ends learn it: the farewell carries the sentence, and the receiver
     * maps it back with {@link #ofSentence}.
     */
    public enum Reason {
        /** No fixed reason; the detail describes the observation. */
        OTHER(""),
        /** No group of the closing process uses the channel any more. Nothing has failed. */
        IDLE("no group needs it any more"),
        /** The transport of the closing process was closed. */
        TRANSPORT_CLOSED("the transport was closed"),
        /** The closing process got its first group secret, and no secret was proved over the channel. */
        SECRET_ADDED("this process has a group secret from now on, and no secret was proved over this channel"),
        /** A later hello of the same process opened another channel. */
        LATER_HELLO("a later hello of the same process replaced it"),
        /** Another channel to the same process was opened first. */
        OTHER_CHANNEL("another channel to the same process replaced it");

        private final String sentence;

        Reason(String sentence) {
            this.sentence = sentence;
        }

        /** The clause for a person, and the wire form. */
        public String sentence() {
            return sentence;
        }

        /** The reason with this sentence, else {@link #OTHER}. */
        public static Reason ofSentence(String sentence) {
            for (Reason reason : values()) {
                if (reason.sentence.equals(sentence)) {
                    return reason;
                }
            }
            return OTHER;
        }
    }

    /** An observation without a fixed reason. */
    public LossEvidence(Kind kind, String detail) {
        this(kind, Reason.OTHER, detail);
    }

    /** Whether the same process has dialled anew: it had lost the channel, and this process had not noticed. */
    public boolean isReopening() {
        return reason == Reason.LATER_HELLO;
    }

    /** Whether only the peer has noticed the loss: this process was not heard, and the peer is alive. */
    public boolean isNoticedByPeerOnly() {
        return kind == Kind.UNHEARD || isReopening();
    }

    /** This process closes the channel for this reason. */
    public static LossEvidence closedHere(Reason reason) {
        return new LossEvidence(Kind.CLOSED_HERE, reason, reason.sentence());
    }

    /** Another channel between the same two processes takes its place. */
    public static LossEvidence replaced(Reason reason) {
        return new LossEvidence(Kind.REPLACED, reason, reason.sentence());
    }
}
