/**
 * The GPUs of this host: which ones there are, which memory they can share, and the use of each
 * ({@link io.muster.cuda.Gpu}). JCuda serves for queries, {@code java.lang.foreign} where its binding is wrong or
 * missing. Read {@link io.muster.cuda.CudaProbe} first, then {@link io.muster.cuda.Gpus}. Imports cuda.copy,
 * cuda.driver, group. Invariant: the lack of a GPU is a result, never an exception, and loads no class of JCuda.
 */
@NullMarked
package io.muster.cuda;

import org.jspecify.annotations.NullMarked;
