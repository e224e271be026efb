/**
 * The way of everything that arrives at a process from its connections: to links, seats, barriers and blame, and of
 * what groups send over them. Read {@link io.muster.routing.ProcessRouting} first. Imports barrier, peer, transfer,
 * segment, group. Invariant: no clock, no thread and no Vert.x but futures and buffers, so that the simulation runs
 * these very classes.
 */
@NullMarked
package io.muster.routing;

import org.jspecify.annotations.NullMarked;
