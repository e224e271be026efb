// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/** The native objects opened so far. They are closed in reverse order, and a failed close does not stop the others. */
public final class Opened {
    private final Deque<Closing> open = new ArrayDeque<>();

    /** Closes one native object. */
    @FunctionalInterface
    public interface Closing {
        void close() throws CudaCallException;
    }

    /** Opens native objects one by one, and adds each to {@code opened}. */
    @FunctionalInterface
    public interface Opening<T> {
        T open(Opened opened) throws CudaCallException;
    }

    public void add(Closing closing) {
        open.push(closing);
    }

    /** All or nothing: if opening fails half-way, the objects opened before are closed and the failure is thrown. */
    public static <T> T all(Opening<T> opening) throws CudaCallException {
        var opened = new Opened();
        try {
            return opening.open(opened);
        } catch (CudaCallException | RuntimeException failure) {
            opened.closeAfter(failure);
            throw failure;
        }
    }

    /** Makes the call, then closes everything. If both fail, the failure to close is suppressed in the call's. */
    public <T> T during(DriverCall<T> call) throws CudaCallException {
        T result;
        try {
            result = call.run();
        } catch (CudaCallException | RuntimeException failure) {
            closeAfter(failure);
            throw failure;
        }
        close();
        return result;
    }

    private void closeAfter(Exception failure) {
        try {
            close();
        } catch (CudaCallException leftBehind) {
            failure.addSuppressed(leftBehind);
        }
    }

    /** @throws CudaCallException the first failure, with the others suppressed: that object is not freed */
    public void close() throws CudaCallException {
        @Nullable CudaCallException first = null;
        for (Closing closing = open.poll(); closing != null; closing = open.poll()) {
            try {
                closing.close();
            } catch (CudaCallException failure) {
                if (first == null) {
                    first = failure;
                } else {
                    first.addSuppressed(failure);
                }
            }
        }
        if (first != null) {
            throw first;
        }
    }
}
