/**
 * The rules by which epochs are opened, marked, completed and degraded, as pure functions. Read
 * {@link io.muster.epoch.BarrierMachine} first. Imports segment, wire, group. Invariant: a life marks at most one
 * vector per epoch number; a loss after a mark always degrades the epoch.
 */
@NullMarked
package io.muster.epoch;

import org.jspecify.annotations.NullMarked;
