/**
 * The interfaces of data transfer between processes: transport, channel, remote region, and their errors. Read
 * {@link io.muster.transfer.Transport} first. Imports cuda.copy, group. Invariant: a write completes successfully only
 * after its bytes were applied at the destination.
 */
@NullMarked
package io.muster.transfer;

import org.jspecify.annotations.NullMarked;
