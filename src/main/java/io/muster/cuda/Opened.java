// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.driver.CudaCallException;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/** What has been opened so far: closed in reverse order, each even if the one before can't be. */
public final class Opened {
    private final Deque<Closing> open = new ArrayDeque<>();

    /** Closes one native object. */
    @FunctionalInterface
    public interface Closing {
        void close() throws CudaCallException;
    }

    /** What opens native objects one by one. */
    @FunctionalInterface
    interface Opening<T> {
        T open(Opened opened) throws CudaCallException;
    }

    public void add(Closing closing) {
        open.push(closing);
    }

    /** All or nothing: if opening fails half-way, what was opened is closed before the failure is told. */
    static <T> T all(Opening<T> opening) throws CudaCallException {
        var opened = new Opened();
        try {
            return opening.open(opened);
        } catch (CudaCallException | RuntimeException failure) {
            try {
                opened.close();
            } catch (CudaCallException leftBehind) {
                failure.addSuppressed(leftBehind);
            }
            throw failure;
        }
    }

    /** Closes what was opened when the act is over; a failure of the act is told before one of closing. */
    public <T> T during(Gpu.Act<T> act) throws CudaCallException {
        T result;
        try {
            result = act.run();
        } catch (CudaCallException | RuntimeException failure) {
            try {
                close();
            } catch (CudaCallException leftBehind) {
                failure.addSuppressed(leftBehind);
            }
            throw failure;
        }
        close();
        return result;
    }

    /** @throws CudaCallException the first failure, with the others suppressed: something is left behind */
    void close() throws CudaCallException {
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
