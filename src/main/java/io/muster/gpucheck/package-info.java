/**
 * The command that measures which memory the GPUs of a host can share, and how fast they copy. Read
 * {@link io.muster.gpucheck.GpuCheckCommand} first. Imports launch and the packages below it. Invariant: each printed
 * figure was measured in that run.
 */
@NullMarked
package io.muster.gpucheck;

import org.jspecify.annotations.NullMarked;
