/**
 * The command that measures what the GPUs of a host can share and how fast they copy. Read
 * {@link io.muster.gpucheck.GpuCheckCommand} first. Imports launch and what is below it. Invariant: a figure that is
 * printed was measured in that run.
 */
@NullMarked
package io.muster.gpucheck;

import org.jspecify.annotations.NullMarked;
