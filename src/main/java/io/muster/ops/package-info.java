/**
 * How a running process is observed: the status picture, the flight recorder, and the doctor that checks a host. Read
 * {@link io.muster.ops.FlightRecorder} first, then {@link io.muster.ops.StatusVerticle}. Imports barrier, peer,
 * transfer, store, segment, fabric, cuda, cuda.driver, bus, wire, group. Invariant: observing a process changes nothing
 * in it.
 */
@NullMarked
package io.muster.ops;

import org.jspecify.annotations.NullMarked;
