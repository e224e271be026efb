/**
 * The shell around seats and epochs: it runs their machines for one group in one process, against the store, the links
 * and the other processes. Read {@link io.muster.barrier.GroupCore} first. Imports seat, epoch, blame, peer, store,
 * transfer, segment, bus, wire, group. Invariant: all state of a group changes on one context, one transition at a
 * time.
 */
@NullMarked
package io.muster.barrier;

import org.jspecify.annotations.NullMarked;
