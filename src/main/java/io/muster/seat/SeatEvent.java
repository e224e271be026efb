// SPDX-License-Identifier: Apache-2.0

package io.muster.seat;

import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.segment.RankEntry;
import io.muster.segment.SegmentHandle;
import io.muster.segment.Versioned;
import io.muster.wire.StoredBytes;
import org.jspecify.annotations.Nullable;

/** An event of the seat of one rank of this process. */
public sealed interface SeatEvent {
    record ClaimRequested(SegmentHandle handle) implements SeatEvent {}

    /**
     * The key was read.
     *
     * @param seen the value of the key, null if it is absent
     */
    record KeyRead(@Nullable Versioned<RankEntry> seen, Ticket ticket) implements SeatEvent {}

    /**
     * The outside facts that a claim needs.
     *
     * @param formerIncarnation the greatest incarnation of this rank in the epoch's vector, its ready mark and every
     *     entry of it that this process has seen, 0 if there is none
     * @param nowMs the wall clock
     * @param life a new identity
     */
    record Ticket(long formerIncarnation, long nowMs, LifeId life) {}

    /**
     * A store operation failed or was not answered in time; its outcome is unknown.
     *
     * @param closed the store is closed, so that no operation can succeed any more
     */
    record StoreFailed(String reason, boolean closed) implements SeatEvent {}

    /** Answer to WriteKey, with the bytes of that write. */
    record Written(StoredBytes next, boolean applied) implements SeatEvent {}

    /** The value of the key, from the store's push or from a reconcile. */
    record KeySeen(@Nullable Versioned<RankEntry> seen) implements SeatEvent {}

    /** The outcome of asking the incumbent's process. */
    record IncumbentAnswered(Answer answer, String detail, Ticket ticket) implements SeatEvent {
        /** The possible outcomes. The ordinals are sent on the wire: append only. */
        public enum Answer {
            /**
             * It holds the life that the entry names, and has written the entry again, so that a claim on the bytes
             * that were read fails.
             */
            HOLDS,
            /**
             * It does not hold the life: it says so, another process answers at its address, or the address is valid
             * from here and refuses connections.
             */
            GONE,
            /** No answer within the limit, or the address cannot be reached from here. */
            SILENT
        }
    }

    /**
     * The answer of two witnesses, which have asked the incumbent themselves.
     *
     * @param answer the incumbent's answer to one of them, SILENT if it answered neither
     * @param detail the address of the witness that reaches it
     */
    record WitnessesAnswered(IncumbentAnswered.Answer answer, String detail, Ticket ticket) implements SeatEvent {}

    /**
     * A newcomer asks whether this life holds the seat.
     *
     * @param revision revision of the entry that it has read and that its claim would replace
     */
    record Asked(long revision) implements SeatEvent {}

    /** The epoch's vector or a ready mark names this life of the rank; the store may have lost its entry. */
    record LifeKnown(Member member) implements SeatEvent {}

    record HandleChanged(SegmentHandle handle) implements SeatEvent {}

    record LeaveRequested() implements SeatEvent {}

    record PauseOver() implements SeatEvent {}
}
