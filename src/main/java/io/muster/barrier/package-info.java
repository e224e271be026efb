/**
 * Who holds which seat, and the epochs: claiming and publishing a rank, ready marks, all-connected and degraded. Read
 * {@link io.muster.epoch.BarrierMachine} first. Imports peer, transfer, segment, bus, group. Invariant: one vector and
 * one order of outcomes per epoch number; a COMPLETE is never left standing after a loss that happened since its marks.
 */
@NullMarked
package io.muster.barrier;

import org.jspecify.annotations.NullMarked;
