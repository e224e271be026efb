/**
 * Registered memory and the ways to move bytes into it: regions, leases, remote writes, channels between processes.
 * Read {@link io.muster.transfer.Transport} first. Imports cuda, descriptor, segment, group. Invariant: a write that is
 * said to be done has been applied at its destination, and no memory is released while a transfer uses it.
 */
@NullMarked
package io.muster.transfer;

import org.jspecify.annotations.NullMarked;
