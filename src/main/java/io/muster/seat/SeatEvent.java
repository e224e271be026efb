// SPDX-License-Identifier: Apache-2.0

package io.muster.seat;

import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.segment.RankEntry;
import io.muster.segment.SegmentHandle;
import io.muster.segment.Versioned;
import io.muster.wire.StoredBytes;
import org.jspecify.annotations.Nullable;

/** What can happen to the seat of one rank of this process. */
public sealed interface SeatEvent {
    record ClaimRequested(SegmentHandle handle) implements SeatEvent {}

    /**
     * The key was read.
     *
     * @param seen null if it is absent
     */
    record KeyRead(@Nullable Versioned<RankEntry> seen, Ticket ticket) implements SeatEvent {}

    /**
     * What a claim needs from outside.
     *
     * @param formerIncarnation the greatest incarnation of this rank in the epoch's vector, its ready mark and every
     *     entry of it that this process has seen, 0 if there is none
     * @param nowMs the wall clock
     * @param life fresh
     */
    record Ticket(long formerIncarnation, long nowMs, LifeId life) {}

    /** A store operation failed or was not answered in time; what became of it is not known. */
    record StoreFailed(String reason) implements SeatEvent {}

    /** Answer to WriteKey, with the bytes that were to be written. */
    record Written(StoredBytes next, boolean applied) implements SeatEvent {}

    /** The push of the store, or a reconcile, says what the key holds. */
    record KeySeen(@Nullable Versioned<RankEntry> seen) implements SeatEvent {}

    /** What asking the incumbent's process has shown. */
    record IncumbentAnswered(Answer answer, String detail, Ticket ticket) implements SeatEvent {
        /** What can come of it. The order is the wire's: append only. */
        public enum Answer {
            /**
             * It holds the life that the entry names, and writes it anew, so that no claim on the bytes that were read
             * is applied any more.
             */
            HOLDS,
            /**
             * It, or another process at its address, says that it does not; or nobody listens there, at an address
             * valid from here.
             */
            GONE,
            /** No answer within the limit, or the address can't be reached from here. */
            SILENT
        }
    }

    /**
     * What two other processes have said.
     *
     * @param answer what the incumbent has answered one of them, SILENT if it has answered neither
     */
    record WitnessesAnswered(IncumbentAnswered.Answer answer, String detail, Ticket ticket) implements SeatEvent {}

    /**
     * A newcomer asks who holds this seat.
     *
     * @param revision of the entry that it has read, and that its claim would replace
     */
    record Asked(long revision) implements SeatEvent {}

    /** The epoch's vector, or a ready mark, names this life of the rank, whose entry the store may have lost. */
    record LifeKnown(Member member) implements SeatEvent {}

    record HandleChanged(SegmentHandle handle) implements SeatEvent {}

    record LeaveRequested() implements SeatEvent {}

    record PauseOver() implements SeatEvent {}
}
