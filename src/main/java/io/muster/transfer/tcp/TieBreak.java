// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.ProcessId;
import io.muster.transfer.ChannelGeneration;
import org.jspecify.annotations.Nullable;

/**
 * Decides on a control hello, given the dial or channel that this process already has with its sender. A pure function,
 * so that a test can check the decisions of both ends together (P-8).
 */
final class TieBreak {
    private TieBreak() {}

    /** The dial or channel that this process has with the sender. */
    sealed interface Held {
        record Nothing() implements Held {}

        /** An own dial that has sent no hello, or has yielded: the peer can't rely on it. */
        record DialUnknownToPeer() implements Held {}

        /** An own dial whose hello was sent and is not answered. */
        record DialHelloSent() implements Held {}

        /** A channel, being opened or open, that the peer dialled. */
        record DialledByPeer(long dial) implements Held {}

        /** A channel, being opened or open, that this process dialled. */
        record DialledHere(ChannelGeneration generation) implements Held {}
    }

    /** The answer to a hello. */
    enum Verdict {
        /** No channel is in its way; an own dial ends. */
        ACCEPT,
        /** The existing channel ends at once: the peer has given it up. */
        REPLACE,
        /** Refused: the sender must use the dial or the channel of this process. */
        USE_MINE,
        /** Refused: a later dial of the sender was accepted already. */
        STALE_DIAL
    }

    /**
     * @param dial number of the sender's dial
     * @param replaces the generation of the last channel of the sender, in its own order
     */
    static Verdict decide(
            ProcessId self, ProcessId sender, Held held, long dial, @Nullable ChannelGeneration replaces) {
        return switch (held) {
            case Held.Nothing _, Held.DialUnknownToPeer _ -> Verdict.ACCEPT;
            case Held.DialHelloSent _ -> self.compareTo(sender) < 0 ? Verdict.USE_MINE : Verdict.ACCEPT;
            // A process dials one process once at a time, so it has given up a dial with a smaller number.
            case Held.DialledByPeer peers -> dial > peers.dial() ? Verdict.REPLACE : Verdict.STALE_DIAL;
            // A hello that crossed ours does not know our channel; one that was sent later names its generation.
            case Held.DialledHere own ->
                replaces != null
                                && replaces.mine() == own.generation().theirs()
                                && replaces.theirs() == own.generation().mine()
                        ? Verdict.REPLACE
                        : Verdict.USE_MINE;
        };
    }
}
