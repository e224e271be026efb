// SPDX-License-Identifier: Apache-2.0

package io.muster;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Prints the flight record of every process that a test has up when it fails or hits its hard limit. Fixtures that
 * start processes register them here; found by JUnit itself, so that no test has to ask for it.
 */
public final class FlightRecordWhenItFails implements AfterTestExecutionCallback {
    /** Tests run one after the other; processes come and go on their threads. */
    private static final Map<Object, Supplier<String>> UP = new ConcurrentHashMap<>();

    /** @param record asked while the process is up, and must not fail the test itself */
    public static void register(Object process, Supplier<String> record) {
        UP.put(process, record);
    }

    public static void forget(Object process) {
        UP.remove(process);
    }

    /** For a fixture that knows before the test that it has failed. */
    public static void print(String why) {
        UP.forEach((process, record) -> {
            System.out.println("--- flight record of " + process + ": " + why);
            try {
                System.out.println(record.get());
            } catch (RuntimeException | AssertionError failure) {
                System.out.println("(none: " + failure + ")");
            }
        });
    }

    @Override
    public void afterTestExecution(ExtensionContext test) {
        test.getExecutionException()
                .ifPresent(failure -> print(
                        test.getDisplayName() + " failed: " + failure.getClass().getSimpleName()));
    }
}
