/**
 * Epochs as pure functions: they are opened, marked, completed and degraded. Read
 * {@link io.muster.epoch.BarrierMachine} first. Imports segment, wire, group. Invariant: an epoch number has one vector
 * and one order of outcomes; a loss after a mark always degrades a COMPLETE epoch.
 */
@NullMarked
package io.muster.epoch;

import org.jspecify.annotations.NullMarked;
