/**
 * Claiming a rank: a pure machine that claims a seat, publishes its entry, defends it and gives it up. Read
 * {@link io.muster.seat.SeatMachine} first. Imports peer, segment, wire, group. Invariant: a newcomer never takes the
 * rank of a process that answers it.
 */
@NullMarked
package io.muster.seat;

import org.jspecify.annotations.NullMarked;
