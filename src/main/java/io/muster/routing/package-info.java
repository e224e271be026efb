/**
 * Routes messages between the connections of a process and its groups: to links, seats, barriers and blame, and from
 * them to the connections. Read {@link io.muster.routing.ProcessRouting} first. Imports barrier, seat, blame, peer,
 * store, transfer, segment, wire, group. Invariant: it uses no clock, no thread, and of Vert.x only futures and
 * buffers, so that the simulation runs these classes unchanged.
 */
@NullMarked
package io.muster.routing;

import org.jspecify.annotations.NullMarked;
