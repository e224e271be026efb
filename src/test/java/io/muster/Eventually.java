// SPDX-License-Identifier: Apache-2.0

package io.muster;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/**
 * Waits in a test for a condition that no event and no future announces. Each wait has a bound; a wait that reaches it
 * fails with what it waited for and the value that it saw last. {@link Bounded} waits for futures.
 */
public final class Eventually {
    /** Much longer than what any condition takes on a busy machine, and shorter than the timeout of a test class. */
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    /** Most conditions hold within this time, so the first looks come without a pause. */
    private static final long SPIN_NANOS = 1_000_000;

    private static final long PAUSE_MS = 2;

    private Eventually() {}

    /**
     * Returns when the condition holds.
     *
     * @param what the test waits for, in words
     */
    public static void holds(String what, BooleanSupplier condition) {
        holds(what, PATIENCE, condition);
    }

    public static void holds(String what, Duration patience, BooleanSupplier condition) {
        value(what, patience, condition::getAsBoolean, holds -> holds);
    }

    /** Looks at a value until it is as wanted, and returns it. */
    public static <T> T value(String what, Callable<T> look, Predicate<? super T> wanted) {
        return value(what, PATIENCE, look, wanted);
    }

    public static <T> T value(String what, Duration patience, Callable<T> look, Predicate<? super T> wanted) {
        long startNanos = System.nanoTime();
        while (true) {
            T seen = at(what, look);
            if (wanted.test(seen)) {
                return seen;
            }
            long waitedNanos = System.nanoTime() - startNanos;
            if (waitedNanos > patience.toNanos()) {
                throw new AssertionError("waited " + patience.toMillis() + " ms in vain for: " + what
                        + "; the value seen last: " + seen);
            }
            pause(what, waitedNanos);
        }
    }

    private static <T> T at(String what, Callable<T> look) {
        try {
            return look.call();
        } catch (RuntimeException failure) {
            throw failure;
        } catch (Exception failure) {
            throw new AssertionError("failed while waiting for: " + what, failure);
        }
    }

    private static void pause(String what, long waitedNanos) {
        if (waitedNanos < SPIN_NANOS) {
            Thread.onSpinWait();
            return;
        }
        try {
            Thread.sleep(PAUSE_MS);
        } catch (InterruptedException hardLimit) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted while waiting for: " + what, hardLimit);
        }
    }
}
