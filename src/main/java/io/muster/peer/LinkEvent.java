// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import io.muster.group.Clause;
import io.muster.group.Member;
import io.muster.segment.RankEntry;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.LossEvidence;

/**
 * An event of a link. An outcome names its attempt, and also the life or the pair where attempts of different lives
 * could be confused. An event with a channel generation is compared with the generation of the link.
 */
public sealed interface LinkEvent {
    /** The rank has its seat; the link to itself starts. */
    record Started() implements LinkEvent {}

    /**
     * An entry of the peer is known, from the store or from another source.
     *
     * @param reach whether and how this process can reach the peer's process
     */
    record HandlePublished(RankEntry entry, Reach reach) implements LinkEvent {}

    /** Whether and how this process can reach an entry's process. */
    sealed interface Reach {
        /** The entry belongs to this process. */
        record SameProcess() implements Reach {}

        /** The process can be dialled. */
        record Dialable() implements Reach {}

        /** The process cannot be reached. The reason says why and what to do. */
        record Unusable(String reason) implements Reach {}
    }

    /** The peer's key holds a value that is no entry of this group, rank and world size. */
    record HandleRejected(String reason) implements LinkEvent {}

    /** The store says that this life has ended (GONE), or holds no entry any more. This is a hint, never a verdict. */
    record HandleWithdrawn(Member member, String reason) implements LinkEvent {}

    /** This life has announced its leave, or has left this process. This is a verdict. */
    record PeerLeft(Member member, String reason) implements LinkEvent {}

    /** The process pair is connected. The nonce is new. */
    record ChannelReady(int attempt, ChannelGeneration generation, long nonce) implements LinkEvent {}

    /** The peer's seat was found in this process. */
    record LocalReady(int attempt, Member member) implements LinkEvent {}

    /** The process pair could not be connected, or the peer's seat was not found in this process. */
    record DialFailed(int attempt, String reason) implements LinkEvent {}

    /** A channel to the peer's process is open; either end may have dialled it. */
    record ChannelUp() implements LinkEvent {}

    record ChannelLost(ChannelGeneration generation, LossEvidence evidence) implements LinkEvent {}

    /**
     * The policy has answered.
     *
     * @param peer the life that the question named
     */
    record PolicyAnswered(Member peer, int attempt, WarmupAnswer answer) implements LinkEvent {}

    /** A link-open has arrived. The nonce is new and goes into the accept. */
    record OpenReceived(LinkMessage.Open open, Reach reach, ChannelGeneration generation, long nonce)
            implements LinkEvent {}

    record AcceptReceived(LinkMessage.Accept accept, ChannelGeneration generation) implements LinkEvent {}

    record RefuseReceived(LinkMessage.Refuse refuse) implements LinkEvent {}

    record CloseReceived(LinkMessage.Close close) implements LinkEvent {}

    /** The peer has written into the own slot. */
    record SlotWritten(long value) implements LinkEvent {}

    /** The own warmup write for this pair was applied at the peer. */
    record WriteApplied(PairId pair) implements LinkEvent {}

    /**
     * The own warmup write for this pair has failed. It may have been applied before, but will not be applied later.
     */
    record WriteFailed(PairId pair, String reason) implements LinkEvent {}

    record TimerFired(LinkEffect.Timer timer, int attempt) implements LinkEvent {}

    /** The liveness answers of the other end have not listed this pair, twice in a row. */
    record PairNotHeld(PairId pair) implements LinkEvent {}

    /**
     * The path that proved this pair has failed although the connection works: memory of a GPU is no longer reachable.
     */
    record PathFailed(PairId pair, String reason) implements LinkEvent {}

    /** The application has reported that this link failed. A long reason is cut. */
    record Reported(Member member, String reason) implements LinkEvent {
        public Reported {
            reason = Clause.atMost(WarmupAnswer.MAX_REASON, reason);
        }
    }

    /** The rank leaves, or its process closes. */
    record CloseRequested(String reason) implements LinkEvent {}

    /** No transfer of this link is under way any more. */
    record Drained() implements LinkEvent {}
}
