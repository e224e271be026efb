/**
 * Writes and reads from and into memory of GPUs: mapping, copying, and staging through the host where neither works.
 * Read {@link io.muster.transfer.gpu.GpuTransport} first. Imports transfer.memory, transfer, cuda, segment. Invariant:
 * a mapping is unmapped only when no copy uses it.
 */
@NullMarked
package io.muster.transfer.gpu;

import org.jspecify.annotations.NullMarked;
