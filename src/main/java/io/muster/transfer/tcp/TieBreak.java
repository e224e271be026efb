// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.ProcessId;
import io.muster.transfer.ChannelGeneration;
import org.jspecify.annotations.Nullable;

/**
 * What to do with a control hello, given what this process already has with its sender: a function, so that both ends'
 * choices can be checked together (P-8).
 */
final class TieBreak {
    private TieBreak() {}

    /** What this process has with one other. */
    sealed interface Held {
        record Nothing() implements Held {}

        /** An own dial whose hello is not out yet, or has lost: the other end cannot be relying on it. */
        record DialUnheard() implements Held {}

        /** An own dial whose hello is out and not answered. */
        record DialHeard() implements Held {}

        /** A channel, being opened or open, that the other end dialled. */
        record DialledByPeer(long dial) implements Held {}

        /** A channel, being opened or open, that this process dialled. */
        record DialledHere(ChannelGeneration generation) implements Held {}
    }

    /** The answer to a hello. */
    enum Verdict {
        /** There is nothing in its way; an own dial ends. */
        ACCEPT,
        /** What is held ends at once: the other end has given up on it. */
        REPLACE,
        USE_MINE,
        STALE_DIAL
    }

    /**
     * @param dial number of the sender's dial
     * @param replaces the last generation that the sender held, in its own order
     */
    static Verdict decide(
            ProcessId self, ProcessId sender, Held held, long dial, @Nullable ChannelGeneration replaces) {
        return switch (held) {
            case Held.Nothing _, Held.DialUnheard _ -> Verdict.ACCEPT;
            case Held.DialHeard _ -> self.compareTo(sender) < 0 ? Verdict.USE_MINE : Verdict.ACCEPT;
            // A process dials once at a time, so a greater number means that the earlier one is over for it.
            case Held.DialledByPeer peers -> dial > peers.dial() ? Verdict.REPLACE : Verdict.STALE_DIAL;
            // A hello that crossed ours says nothing of our channel; one that was sent after it names it.
            case Held.DialledHere own ->
                replaces != null
                                && replaces.mine() == own.generation().theirs()
                                && replaces.theirs() == own.generation().mine()
                        ? Verdict.REPLACE
                        : Verdict.USE_MINE;
        };
    }
}
