/**
 * Registered memory, its leases, and transfers within one process. Read {@link io.muster.transfer.memory.RegionTable}
 * first. Imports transfer, cuda, segment. Invariant: memory is freed only when no transfer leases it.
 */
@NullMarked
package io.muster.transfer.memory;

import org.jspecify.annotations.NullMarked;
