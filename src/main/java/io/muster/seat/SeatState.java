// SPDX-License-Identifier: Apache-2.0

package io.muster.seat;

import io.muster.group.Member;
import io.muster.segment.RankEntry;
import io.muster.segment.SegmentHandle;
import io.muster.segment.Versioned;
import io.muster.wire.StoredBytes;
import org.jspecify.annotations.Nullable;

/** The state of the seat of one rank of this process. */
public sealed interface SeatState {
    /** Not started. */
    record Idle() implements SeatState {}

    /** The key is being read, to find the holder of the seat. */
    record Looking(SegmentHandle handle) implements SeatState {}

    /** Another life holds the seat; its process is being asked. */
    record AskingIncumbent(SegmentHandle handle, Versioned<RankEntry> incumbent) implements SeatState {}

    /** The incumbent's process is silent; two others are being asked whether they reach it. */
    record AskingWitnesses(SegmentHandle handle, Versioned<RankEntry> incumbent) implements SeatState {}

    /**
     * The incumbent answers, and the key is read once more. If it still holds the former bytes, an earlier claim of
     * this process may be applied later, after this process has given up, and the seat would have no holder.
     *
     * @param how how the incumbent was reached
     */
    record Confirming(SegmentHandle handle, Versioned<RankEntry> incumbent, String how) implements SeatState {}

    /**
     * The claim is being written; its entry is the publication.
     *
     * @param expected the value that the claim replaces, null if the key was absent
     * @param paused the outcome of the write is unknown, and the key is read after a pause
     */
    record Claiming(SegmentHandle handle, @Nullable StoredBytes expected, Versioned<RankEntry> next, boolean paused)
            implements SeatState {}

    /** Waiting before the key is read again. */
    record Pausing(SegmentHandle handle, String reason) implements SeatState {}

    /**
     * The seat is held.
     *
     * @param current the entry that this life published last, as far as it knows
     * @param work the operation under way on its key
     * @param wanted a handle that is to be published, null if the published one is right
     * @param rewriteDue the entry must be written again even if it is unchanged, so that a claim on its present bytes
     *     fails
     */
    record Held(
            Versioned<RankEntry> current,
            Work work,
            @Nullable SegmentHandle wanted,
            boolean rewriteDue) implements SeatState {
        /** The operation under way: one per key at a time. */
        public enum Work {
            NONE,
            READING,
            WRITING,
            /** Writing the entry over a value that this life has not written: a pause follows. */
            ASSERTING,
            PAUSING
        }

        public Member member() {
            return entry().member();
        }

        public RankEntry entry() {
            RankEntry entry = current.value();
            if (entry == null) {
                throw new IllegalStateException("a held seat has no valid entry: " + current);
            }
            return entry;
        }
    }

    /**
     * LEFT is being written.
     *
     * @param tries how often it has failed
     * @param paused the key is read after a pause
     */
    record Leaving(Versioned<RankEntry> current, int tries, boolean paused) implements SeatState {}

    /** Over. */
    record Ended(String reason, End end) implements SeatState {}

    /** How a seat ended. */
    enum End {
        /** The rank left in order. */
        LEFT,
        /** Another live process holds the rank. */
        TAKEN,
        /** A newer life holds the rank. */
        SUPERSEDED,
        /** The store was closed before the rank had its seat. */
        STORE_CLOSED
    }
}
