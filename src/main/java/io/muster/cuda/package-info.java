/**
 * The only user of JCuda, of the CUDA driver and of NVML: what GPUs this host has and what memory they can share, every
 * status checked and named. JCuda serves for queries, {@code java.lang.foreign} where its binding is wrong or missing.
 * Read {@link io.muster.cuda.CudaProbe} first, then {@link io.muster.cuda.SharingProbe}. Imports nothing of Muster.
 * Invariant: "no GPU" is an answer, never an exception, and costs no class of JCuda.
 */
@NullMarked
package io.muster.cuda;

import org.jspecify.annotations.NullMarked;
