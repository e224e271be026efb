// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import io.muster.group.Member;
import io.muster.segment.RankEntry;
import io.muster.transfer.ChannelGeneration;

/**
 * What can happen to a link. Outcomes carry what they belong to: the attempt, and where the peer's lives count attempts
 * each for itself, the life or the pair too. What carries a generation is checked against the link's.
 */
public sealed interface LinkEvent {
    /** The rank has its seat; the link to itself starts. */
    record Started() implements LinkEvent {}

    /**
     * An entry of the peer is known, from the store or from elsewhere.
     *
     * @param reach whether and how its process can be reached from here
     */
    record HandlePublished(RankEntry entry, Reach reach) implements LinkEvent {}

    /** Whether an entry's process can be reached from this one. */
    sealed interface Reach {
        /** It is this process. */
        record SameProcess() implements Reach {}

        /** It can be dialled. */
        record Dialable() implements Reach {}

        /** It can't: the reason says why and what to do. */
        record Unusable(String reason) implements Reach {}
    }

    /** The peer's key holds something that is not an entry of this group, rank and world size. */
    record HandleRejected(String reason) implements LinkEvent {}

    /** The store says that this life is over (GONE), or holds nothing any more: a hint, never a verdict. */
    record HandleWithdrawn(Member member, String reason) implements LinkEvent {}

    /** This life has left by its own word, or has left this process: a verdict. */
    record PeerLeft(Member member, String reason) implements LinkEvent {}

    /** The process pair is connected. The nonce is fresh. */
    record ChannelReady(int attempt, ChannelGeneration generation, long nonce) implements LinkEvent {}

    /** The peer's seat was found in this process. */
    record LocalReady(int attempt, Member member) implements LinkEvent {}

    /** The process pair could not be connected, or the peer's seat was not found in this process. */
    record DialFailed(int attempt, String reason) implements LinkEvent {}

    /** A channel to the peer's process has come up, whoever dialled it. */
    record ChannelUp() implements LinkEvent {}

    record ChannelLost(ChannelGeneration generation, String kind, String detail) implements LinkEvent {}

    /**
     * The policy has answered.
     *
     * @param peer the life that it was asked about
     */
    record PolicyAnswered(Member peer, int attempt, WarmupAnswer answer) implements LinkEvent {}

    /** A link-open has come. The nonce is fresh, for the accept. */
    record OpenReceived(LinkMessage.Open open, Reach reach, ChannelGeneration generation, long nonce)
            implements LinkEvent {}

    record AcceptReceived(LinkMessage.Accept accept, ChannelGeneration generation) implements LinkEvent {}

    record RefuseReceived(LinkMessage.Refuse refuse) implements LinkEvent {}

    record CloseReceived(LinkMessage.Close close) implements LinkEvent {}

    /** The peer has written into our slot. */
    record SlotWritten(long value) implements LinkEvent {}

    /** Our warmup write for this pair was applied at the peer. */
    record WriteApplied(PairId pair) implements LinkEvent {}

    /** Our warmup write for this pair was not applied, or is not known to have been, and never will be from now on. */
    record WriteFailed(PairId pair, String reason) implements LinkEvent {}

    record TimerFired(LinkEffect.Timer timer, int attempt) implements LinkEvent {}

    /** The other end has said, twice in a row, that it does not hold this pair. */
    record PairNotHeld(PairId pair) implements LinkEvent {}

    /**
     * The path that this pair's proof stands on does not work any more, though the connection does: memory of a GPU
     * can't be reached.
     */
    record PathFailed(PairId pair, String reason) implements LinkEvent {}

    /** The application saw this link fail. */
    record Reported(Member member, String reason) implements LinkEvent {}

    /** The rank leaves, or its process closes. */
    record CloseRequested(String reason) implements LinkEvent {}

    /** No transfer of this link is under way any more. */
    record Drained() implements LinkEvent {}
}
