// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.gpu;

import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.CudaFailure;
import io.muster.cuda.driver.GpuTrouble;
import io.muster.group.WriteException;
import io.muster.transfer.RemoteRegion;
import java.util.concurrent.CompletionException;

/** Builds the errors of failed GPU operations. */
final class GpuFailures {
    private GpuFailures() {}

    /** What failed, and what to do where the status of the driver tells. */
    static String text(Throwable failure) {
        return switch (failure) {
            case CompletionException wrapped when wrapped.getCause() != null -> text(wrapped.getCause());
            case CudaCallException call -> GpuTrouble.sentence(call.failure());
            default -> String.valueOf(failure.getMessage());
        };
    }

    static WriteException copy(CudaFailure failure, RemoteRegion region, long offset, long bytes, String peer) {
        return new WriteException(
                WriteException.Reason.FAILED,
                "copy failed: " + GpuTrouble.sentence(failure) + "; region=" + region.id() + " offset=" + offset
                        + " bytes=" + bytes + " regionBytes=" + region.bytes() + " peer=" + peer + " transport=cuda");
    }
}
