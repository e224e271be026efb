/**
 * A seeded simulation of whole groups on a virtual clock: the production machines and
 * {@link io.muster.barrier.GroupCore} over a store and a network with injected faults. Read {@link io.muster.sim.World}
 * first. Imports everything except verticles. Invariant: the same seed gives the same run.
 */
@NullMarked
package io.muster.sim;

import org.jspecify.annotations.NullMarked;
