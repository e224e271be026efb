// SPDX-License-Identifier: Apache-2.0

package io.muster;

import io.vertx.core.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Waits for a future in a test, but not without end: a test that waits in vain fails, and says for what. */
public final class Bounded {
    /** Longer than what any test's own deadline allows, and much shorter than the timeout of a test class. */
    private static final long PATIENCE_S = 30;

    private Bounded() {}

    /**
     * The result of the future; throws what it fails with.
     *
     * @param what the test waits for
     */
    public static <T> T await(Future<T> future, String what) {
        try {
            return future.await(PATIENCE_S, TimeUnit.SECONDS);
        } catch (TimeoutException late) {
            throw new AssertionError("waited " + PATIENCE_S + " s in vain for: " + what, late);
        }
    }
}
