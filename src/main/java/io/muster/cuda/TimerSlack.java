// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.muster.cuda.driver.ForeignLibrary;
import io.muster.cuda.driver.ForeignLibrary.Function;
import java.lang.foreign.FunctionDescriptor;

/**
 * How late Linux may end the sleeps of a thread, to end several together: 50 µs unless it is told otherwise, which is a
 * third of what a copy of 64 MiB takes. {@code prctl} with {@code PR_SET_TIMERSLACK} and {@code PR_GET_TIMERSLACK}, of
 * the calling thread. Where there is no such call the sleeps end later, and {@link SleepMargin} learns so.
 */
final class TimerSlack {
    private static final int SET = 29;
    private static final int GET = 30;
    private static final FunctionDescriptor PRCTL =
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);

    private TimerSlack() {}

    /** The least that there is, 1 ns, for this thread. */
    static void shorten() {
        call(SET, 1);
    }

    /** Of this thread, in ns; negative if it is not known. */
    static int nanos() {
        return call(GET, 0);
    }

    private static int call(int option, long argument) {
        return ForeignLibrary.ofC()
                .optional("prctl", PRCTL)
                .map(prctl -> call(prctl, option, argument))
                .orElse(-1);
    }

    private static int call(Function prctl, int option, long argument) {
        return ForeignLibrary.status(() -> (int) prctl.handle().invokeExact(option, argument, 0L, 0L, 0L));
    }
}
