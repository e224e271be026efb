// SPDX-License-Identifier: Apache-2.0

package io.muster.seat;

import io.muster.group.Member;
import io.muster.segment.RankEntry;
import io.muster.segment.Versioned;
import io.muster.wire.StoredBytes;
import org.jspecify.annotations.Nullable;

/** An effect of a seat, to be run by its shell. */
public sealed interface SeatEffect {
    /** Answered by KeyRead or StoreFailed. */
    record ReadKey() implements SeatEffect {}

    /** Answered by Written or StoreFailed. */
    record WriteKey(@Nullable StoredBytes expected, Versioned<RankEntry> next) implements SeatEffect {}

    /** Answered by IncumbentAnswered. */
    record AskIncumbent(RankEntry incumbent) implements SeatEffect {}

    /** Answered by WitnessesAnswered. */
    record AskWitnesses(RankEntry incumbent) implements SeatEffect {}

    /** Answered by PauseOver. */
    record Pause(long ms) implements SeatEffect {}

    /** This life holds the seat, under this entry. Repeated after each newly published handle. */
    record Take(RankEntry entry) implements SeatEffect {}

    /** The seat is over. */
    record End(@Nullable Member member, SeatState.End end, String reason) implements SeatEffect {}
}
