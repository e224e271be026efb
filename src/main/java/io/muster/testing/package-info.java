/**
 * Transport faults for tests: dropped, delayed, corrupted, failing or hanging messages and writes. Read
 * {@link io.muster.testing.TransportFaults} first. Imports transfer, group. Invariant: a fault counts how often it
 * fired.
 */
@NullMarked
package io.muster.testing;

import org.jspecify.annotations.NullMarked;
