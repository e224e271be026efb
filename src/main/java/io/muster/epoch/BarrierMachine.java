// SPDX-License-Identifier: Apache-2.0

package io.muster.epoch;

import io.muster.epoch.BarrierEffect.Timer;
import io.muster.epoch.BarrierState.Hedge;
import io.muster.epoch.BarrierState.Task;
import io.muster.segment.EpochRecord;
import java.util.List;

/**
 * The machine of the epochs of one group in one process: pure and total.
 *
 * <p>Every event first changes what is known, then {@link EpochTransition#act} does whatever follows from it. The next
 * epoch follows from the entries, once the last one is over ({@link EpochsSeen}). It is completed by a compare-and-set
 * over the record that is known: no key ever returns to bytes that it had before, so nothing has happened to the record
 * since. A number is opened by a record only from rank keys that were read after the record before it. A mark is never
 * taken back, so one that was told is as good as one that was read; whoever loses a link after deciding to mark
 * degrades that epoch until the record's number is greater.
 */
public final class BarrierMachine {
    private BarrierMachine() {}

    /** One transition. */
    public record Step(BarrierState next, List<BarrierEffect> effects) {
        public Step {
            effects = List.copyOf(effects);
        }
    }

    public static Step transition(BarrierSetup setup, BarrierState state, BarrierEvent event) {
        EpochTransition turn = new EpochTransition(setup, state);
        learn(turn, event);
        turn.act();
        return turn.step();
    }

    private static void learn(EpochTransition turn, BarrierEvent event) {
        switch (event) {
            case BarrierEvent.SeatTaken(var member) ->
                turn.seats()
                        .put(
                                member.rank(),
                                LocalMember.taken(member, turn.setup().worldSize()));
            case BarrierEvent.SeatLeaving(int rank) -> turn.leave(rank);
            case BarrierEvent.SeatReleased(int rank) -> turn.release(rank);
            case BarrierEvent.LinkConnected(int rank, var peer, var proof) ->
                turn.seats()
                        .computeIfPresent(
                                rank, (_, seat) -> seat.with(peer.rank(), new LocalMember.LinkView(peer, proof)));
            case BarrierEvent.LinkLost(int rank, var peer, String reason, String evidence) ->
                turn.lost(rank, peer, reason, evidence);
            case BarrierEvent.RankSeen(int rank, var entry) -> turn.rankSeen(rank, entry);
            case BarrierEvent.MarkSeen(int rank, var mark) -> turn.markSeen(rank, mark);
            case BarrierEvent.RecordSeen(var record) -> turn.recordSeen(record);
            case BarrierEvent.KeyOwnerSeen(var owner) -> turn.keyOwnerSeen(owner);
            case BarrierEvent.PeerSaw(long number, EpochRecord.State state) -> turn.peerSaw(number, state);
            case BarrierEvent.ReadDone done -> turn.readDone(done);
            case BarrierEvent.ReadFailed _ -> turn.readFailed();
            case BarrierEvent.RecordWritten(var record, boolean applied) -> turn.recordWritten(record, applied);
            case BarrierEvent.MarkWritten(int rank, var mark, boolean applied) -> turn.markWritten(rank, mark, applied);
            case BarrierEvent.RecordWriteFailed _ -> {
                turn.writingEpoch(false);
                turn.retry();
            }
            case BarrierEvent.MarkWriteFailed(int rank) -> {
                turn.writingMarks().remove(rank);
                turn.retry();
            }
            case BarrierEvent.TimerFired(Timer timer) -> timerFired(turn, timer);
            case BarrierEvent.Reconcile _ -> turn.needRead();
            case BarrierEvent.AllConnectedHeard(long epoch) -> turn.heardAllConnected(epoch);
            case BarrierEvent.DegradedHeard(long epoch) -> turn.heardDegraded(epoch);
        }
    }

    private static void timerFired(EpochTransition turn, Timer timer) {
        switch (timer) {
            case HEDGE -> {
                Hedge hedge = turn.hedge();
                if (hedge.what() != Task.NONE) {
                    turn.hedge(new Hedge(hedge.what(), hedge.epoch(), true));
                }
            }
            case RETRY -> turn.retryNow();
            case REPUBLISH -> turn.republish();
            case GATHER -> turn.gathered();
            case OVERDUE -> turn.overdue();
            case KEY_OWNER -> turn.lookForKeyOwner();
        }
    }
}
