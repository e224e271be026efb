/**
 * Registered memory, its leases, and transfers within one process. Read {@link io.muster.transfer.memory.RegionTable}
 * first. Imports transfer, cuda, segment, group. Invariant: memory is freed only when no transfer holds a lease on it.
 */
@NullMarked
package io.muster.transfer.memory;

import org.jspecify.annotations.NullMarked;
