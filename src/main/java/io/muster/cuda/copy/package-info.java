/**
 * Copies on a GPU: one thread per GPU starts them, waits for them and reports their ends. Read
 * {@link io.muster.cuda.copy.GpuWorker} first, then {@link io.muster.cuda.copy.WaitRule}. Imports cuda.driver, group.
 * Invariant: each copy is reported exactly once.
 */
@NullMarked
package io.muster.cuda.copy;

import org.jspecify.annotations.NullMarked;
