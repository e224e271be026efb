// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

/** A call of the CUDA driver, or of NVML, failed; the message is {@link CudaFailure#text()}. */
public final class CudaCallException extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient CudaFailure failure;

    public CudaCallException(CudaFailure failure) {
        super(failure.text());
        this.failure = failure;
    }

    public CudaFailure failure() {
        return failure;
    }
}
