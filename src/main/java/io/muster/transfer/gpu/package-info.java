/**
 * Writes and reads of GPU memory: mapping it, copying directly, and staging through host memory where it can't be
 * mapped. Read {@link io.muster.transfer.gpu.GpuTransport} first. Imports transfer.memory, transfer, transfer.tcp,
 * cuda, cuda.driver, descriptor, segment, group, wire. Invariant: a mapping is unmapped only when no copy uses it.
 */
@NullMarked
package io.muster.transfer.gpu;

import org.jspecify.annotations.NullMarked;
