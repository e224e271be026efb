/**
 * Claiming a rank: a pure machine that claims, publishes, re-asserts and gives up. Read
 * {@link io.muster.seat.SeatMachine} first. Imports segment, wire, group. Invariant: two live processes never hold the
 * same rank for longer than the answer of one takes.
 */
@NullMarked
package io.muster.seat;

import org.jspecify.annotations.NullMarked;
