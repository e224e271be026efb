// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import io.muster.group.Member;
import io.muster.segment.RankEntry;
import io.muster.transfer.ChannelGeneration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The memory of a link across its states.
 *
 * @param target the newest usable entry of the peer and how it is reached, null if there is none now
 * @param newest the newest life of the peer that has been seen, usable or not
 * @param over true if {@code newest} is known to have ended: no link connects to it any more
 * @param attempt writer: the last attempt used, towards any life of the peer, so that a late outcome of one life is
 *     never taken for another's; waiter: the greatest attempt seen from the life {@code newest}, because each life
 *     counts its own attempts
 * @param failures failures in a row, 0 after CONNECTED
 * @param trouble the last failure with the life {@code newest}, null if there has been none since CONNECTED; a rejected
 *     entry stays the trouble until another entry arrives
 * @param writing the warmup writes that may still be under way; no other write is posted over their channels until they
 *     have ended
 */
public record History(
        @Nullable Target target,
        @Nullable Member newest,
        boolean over,
        int attempt,
        int failures,
        @Nullable Trouble trouble,
        List<PendingWrite> writing) {
    public static final History EMPTY = new History(null, null, false, 0, 0, null, List.of());

    public History {
        writing = List.copyOf(writing);
    }

    /** A usable entry and how its process is reached from here. */
    public record Target(RankEntry entry, LinkEvent.Reach reach) {}

    /** A posted write: its pair and its channel. */
    public record PendingWrite(PairId pair, ChannelGeneration generation) {}

    /**
     * The last failure.
     *
     * @param detail one sentence
     */
    public record Trouble(Phase phase, String detail) {}

    /**
     * How far a link had come when it failed: the phases of the stuck report. NO_OPEN: the peer's link-open has not
     * arrived, for any reason, so nothing is known about the path yet. OPEN: a message that was sent over a connection
     * was not answered. UNHEARD: it was CONNECTED, and only the peer noticed that the connection had failed.
     */
    public enum Phase {
        VANISHED,
        REJECTED,
        NO_OPEN,
        DIAL,
        REFUSED,
        OPEN,
        WARMUP,
        LOST,
        UNHEARD;

        /** Whether a failure of the path itself was seen. Then it says more than the store's hint about the entry. */
        public boolean isSeenOnThePath() {
            return switch (this) {
                case DIAL, WARMUP, LOST, UNHEARD -> true;
                case VANISHED, REJECTED, NO_OPEN, OPEN, REFUSED -> false;
            };
        }
    }

    History withTarget(Target next, LinkSetup.Role role) {
        Member member = next.entry().member();
        boolean sameLife = newest == null || member.equals(newest);
        boolean isOld = trouble != null
                && (!sameLife || trouble.phase() == Phase.VANISHED || trouble.phase() == Phase.REJECTED);
        return new History(
                next,
                member,
                false,
                attemptFor(member, role),
                sameLife ? failures : 0,
                isOld ? null : trouble,
                writing);
    }

    /**
     * Forgets the usable entry, but never the newest life that was seen, nor what was observed on the path: the store's
     * hint is added to it.
     */
    History vanished(String hint) {
        Trouble why = trouble == null || !trouble.phase().isSeenOnThePath()
                ? new Trouble(Phase.VANISHED, hint)
                : trouble.detail().endsWith(hint)
                        ? trouble
                        : new Trouble(trouble.phase(), trouble.detail() + "; " + hint);
        return new History(null, newest, over, attempt, failures, why, writing);
    }

    /** The peer's seat is known to be held by this life, of which no entry is known yet. */
    History succeededBy(Member member, Trouble why) {
        return new History(null, member, false, attempt, 0, why, writing);
    }

    History ended(Member member, Trouble why, LinkSetup.Role role) {
        return new History(null, member, true, attemptFor(member, role), 0, why, writing);
    }

    private int attemptFor(Member member, LinkSetup.Role role) {
        return switch (role) {
            case SELF, WRITER -> attempt;
            case WAITER -> member.equals(newest) ? attempt : 0;
        };
    }

    History withAttempt(int next) {
        return new History(target, newest, over, next, failures, trouble, writing);
    }

    History failed(Phase phase, String detail) {
        return new History(target, newest, over, attempt, failures + 1, new Trouble(phase, detail), writing);
    }

    History troubled(Phase phase, String detail) {
        return new History(target, newest, over, attempt, failures, new Trouble(phase, detail), writing);
    }

    History connected() {
        return new History(target, newest, over, attempt, 0, null, writing);
    }

    /** A write has been posted. */
    History writing(Session session) {
        List<PendingWrite> all = new ArrayList<>(writing);
        all.add(new PendingWrite(session.pairId(), session.generation()));
        return withWriting(all);
    }

    /** The write for this pair has ended, well or not. */
    History writeEnded(PairId pair) {
        return writing.isEmpty()
                ? this
                : withWriting(without(write -> write.pair().equals(pair)));
    }

    /** Every write over this channel has ended. */
    History channelEnded(ChannelGeneration generation) {
        return isWritingOver(generation)
                ? withWriting(without(write -> write.generation().equals(generation)))
                : this;
    }

    private List<PendingWrite> without(Predicate<PendingWrite> ended) {
        List<PendingWrite> left = new ArrayList<>(writing);
        left.removeIf(ended);
        return left;
    }

    boolean isWritingOver(ChannelGeneration generation) {
        for (PendingWrite write : writing) {
            if (write.generation().equals(generation)) {
                return true;
            }
        }
        return false;
    }

    private History withWriting(List<PendingWrite> next) {
        return new History(target, newest, over, attempt, failures, trouble, next);
    }
}
