/**
 * Epochs as pure functions: opening, marking, completing and degrading. Read {@link io.muster.epoch.BarrierMachine}
 * first. Imports segment, wire, group. Invariant: one vector and one order of outcomes per epoch number; a COMPLETE is
 * never left standing after a loss that happened since its marks.
 */
@NullMarked
package io.muster.epoch;

import org.jspecify.annotations.NullMarked;
