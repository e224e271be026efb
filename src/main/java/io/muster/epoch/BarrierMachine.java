// SPDX-License-Identifier: Apache-2.0

package io.muster.epoch;

import io.muster.epoch.BarrierEffect.Timer;
import io.muster.epoch.BarrierState.Hedge;
import io.muster.epoch.BarrierState.Task;
import io.muster.segment.EpochRecord;

/**
 * The machine of the epochs of one group in one process: pure and total.
 *
 * <p>Every event first updates the known facts, then {@link EpochTransition#act} derives the effects. Once the last
 * epoch is over, the next one follows from the entries ({@link EpochsSeen}).
 *
 * <ul>
 *   <li>An epoch is completed by a compare-and-set on the known record. No key ever returns to earlier bytes, so a
 *       successful compare-and-set proves that the record has not changed since it was seen.
 *   <li>A record opens a number only from rank keys that were read after the record before it.
 *   <li>A mark is never withdrawn, so a mark that another process sent is as good as one read from the store.
 *   <li>A seat that loses a link after its mark degrades that epoch until a record has a greater number.
 * </ul>
 */
public final class BarrierMachine {
    private BarrierMachine() {}

    public static BarrierStep transition(BarrierSetup setup, BarrierState state, BarrierEvent event) {
        return transition(setup, state, event, true);
    }

    /**
     * @param mayMark false: no mark is made, because a path has been idle and is being proved again.
     *     {@link BarrierEvent.PathsProved} follows
     */
    public static BarrierStep transition(BarrierSetup setup, BarrierState state, BarrierEvent event, boolean mayMark) {
        EpochTransition transition = new EpochTransition(setup, state, mayMark);
        learn(transition, event);
        transition.act();
        return transition.step();
    }

    private static void learn(EpochTransition transition, BarrierEvent event) {
        switch (event) {
            case BarrierEvent.SeatTaken(var member) ->
                transition
                        .seats()
                        .put(
                                member.rank(),
                                LocalMember.taken(member, transition.setup().worldSize()));
            case BarrierEvent.SeatLeaving(int rank) -> transition.leave(rank);
            case BarrierEvent.SeatReleased(int rank) -> transition.release(rank);
            case BarrierEvent.LinkConnected(int rank, var peer, var proof) ->
                transition
                        .seats()
                        .computeIfPresent(
                                rank, (_, seat) -> seat.with(peer.rank(), new LocalMember.LinkView(peer, proof)));
            case BarrierEvent.LinkLost(int rank, var peer, String reason, String evidence) ->
                transition.lost(rank, peer, reason, evidence);
            case BarrierEvent.PathsProved _ -> {} // the transition marks what is due
            case BarrierEvent.RankSeen(int rank, var entry) -> transition.rankSeen(rank, entry);
            case BarrierEvent.MarkSeen(int rank, var mark) -> transition.markSeen(rank, mark);
            case BarrierEvent.RecordSeen(var record) -> transition.recordSeen(record);
            case BarrierEvent.KeyOwnerSeen(var owner) -> transition.keyOwnerSeen(owner);
            case BarrierEvent.PeerSaw(long number, EpochRecord.State state) -> transition.peerSaw(number, state);
            case BarrierEvent.ReadDone done -> transition.readDone(done);
            case BarrierEvent.ReadFailed _ -> transition.readFailed();
            case BarrierEvent.RecordWritten(var record, boolean applied) -> transition.recordWritten(record, applied);
            case BarrierEvent.MarkWritten(int rank, var mark, boolean applied) ->
                transition.markWritten(rank, mark, applied);
            case BarrierEvent.RecordWriteFailed _ -> {
                transition.writingEpoch(false);
                transition.retry();
            }
            case BarrierEvent.MarkWriteFailed(int rank) -> {
                transition.writingMarks().remove(rank);
                transition.retry();
            }
            case BarrierEvent.TimerFired(Timer timer) -> timerFired(transition, timer);
            case BarrierEvent.Reconcile _ -> transition.needRead();
            case BarrierEvent.AllConnectedReceived(long epoch) -> transition.allConnectedReceived(epoch);
            case BarrierEvent.DegradedReceived(long epoch) -> transition.degradedReceived(epoch);
        }
    }

    private static void timerFired(EpochTransition transition, Timer timer) {
        switch (timer) {
            case HEDGE -> {
                Hedge hedge = transition.hedge();
                if (hedge.what() != Task.NONE) {
                    transition.hedge(new Hedge(hedge.what(), hedge.epoch(), true));
                }
            }
            case RETRY -> transition.retryNow();
            case REPUBLISH -> transition.republish();
            case GATHER -> transition.gathered();
            case OVERDUE -> transition.overdue();
            case KEY_OWNER -> transition.lookForKeyOwner();
        }
    }
}
