/**
 * For the tests of an application: a store in memory, and transport faults (dropped, delayed, corrupted, failing or
 * hanging messages and writes). Exported. Read {@link io.muster.testing.TransportFaults} first. Imports the API,
 * runtime, store, transfer, group. Invariant: a fault counts how often it fired.
 */
@NullMarked
package io.muster.testing;

import org.jspecify.annotations.NullMarked;
