/**
 * The only user of JCuda and of the CUDA driver: what GPUs this host has, with every status checked and named.
 * Read {@link io.muster.cuda.CudaProbe} first. Imports group.
 * Invariant: "no GPU" is an answer, never an exception, and costs no class of JCuda.
 */
@NullMarked
package io.muster.cuda;

import org.jspecify.annotations.NullMarked;
