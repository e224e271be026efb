// SPDX-License-Identifier: Apache-2.0

package io.muster.seat;

import io.muster.group.Member;
import io.muster.segment.RankEntry;
import io.muster.segment.SegmentHandle;
import io.muster.segment.Versioned;
import org.jspecify.annotations.Nullable;

/** How one rank of this process stands with its seat. */
public sealed interface SeatState {
    /** Not started. */
    record Idle() implements SeatState {}

    /** Its key is being read, to see who holds the seat. */
    record Looking(SegmentHandle handle) implements SeatState {}

    /** Another life holds the seat; its process is being asked. */
    record AskingIncumbent(SegmentHandle handle, Versioned<RankEntry> incumbent) implements SeatState {}

    /** The incumbent's process is silent; two others are being asked whether they reach it. */
    record AskingWitnesses(SegmentHandle handle, Versioned<RankEntry> incumbent) implements SeatState {}

    /**
     * The incumbent answers. The key is read once more: unless it holds other bytes than before, a claim of this
     * process that is still on its way may be applied yet, and then nobody would hold the seat.
     *
     * @param how it was reached
     */
    record Confirming(SegmentHandle handle, Versioned<RankEntry> incumbent, String how) implements SeatState {}

    /** The claim, which is the publication, is being written. */
    record Claiming(SegmentHandle handle, Versioned<RankEntry> next) implements SeatState {}

    /** Waiting before it looks again. */
    record Pausing(SegmentHandle handle, String reason) implements SeatState {}

    /**
     * The seat is held.
     *
     * @param current what this life has published last, as far as it knows
     * @param work what is under way with its key
     * @param wanted a handle that is to be published, null if the published one is right
     * @param anew the entry is to be written again whatever it says, so that a claim on the bytes that are there now
     *     fails
     */
    record Held(
            Versioned<RankEntry> current,
            Work work,
            @Nullable SegmentHandle wanted,
            boolean anew) implements SeatState {
        /** What is under way: one operation per key at a time. */
        public enum Work {
            NONE,
            READING,
            WRITING,
            PAUSING
        }

        public Member member() {
            return entry().member();
        }

        public RankEntry entry() {
            RankEntry entry = current.value();
            if (entry == null) {
                throw new IllegalStateException("a seat is held by a valid entry");
            }
            return entry;
        }
    }

    /** LEFT is being written. */
    record Leaving(Versioned<RankEntry> current, int tries) implements SeatState {}

    /** Over. */
    record Ended(String reason, End end) implements SeatState {}

    /** How a seat ended. */
    enum End {
        /** By its own will. */
        LEFT,
        /** Another live process holds it. */
        TAKEN,
        /** A newer life holds it. */
        SUPERSEDED
    }
}
