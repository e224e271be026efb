/**
 * A seeded simulation of whole groups on a virtual clock: the production machines and
 * {@link io.muster.barrier.GroupCore} over a nasty store and a nasty network. Read {@link io.muster.sim.World} first.
 * Imports everything but verticles. Invariant: the same seed gives the same run.
 */
@NullMarked
package io.muster.sim;

import org.jspecify.annotations.NullMarked;
