/**
 * What people and other processes ask a running process, from outside the cluster: the control port, and forming the
 * cluster over it; the status picture; the flight recorder. Read {@link io.muster.cluster.ControlPort} first, and
 * {@link io.muster.ops.FlightRecorder}. Imports everything but the composition root and the command line. Invariant:
 * whatever comes from a socket is bounded in length, time and number.
 */
@NullMarked
package io.muster.ops;

import org.jspecify.annotations.NullMarked;
