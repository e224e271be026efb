// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.copy;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.muster.cuda.driver.ForeignLibrary;
import io.muster.cuda.driver.ForeignLibrary.Function;
import java.lang.foreign.FunctionDescriptor;

/**
 * The timer slack of a thread: how late Linux may end its sleeps, in order to end several together. The default is 50
 * µs, a third of the time of a copy of 64 MiB. Uses {@code prctl} with {@code PR_SET_TIMERSLACK} and
 * {@code PR_GET_TIMERSLACK} for the calling thread. Without that call sleeps end later, and
 * {@link WaitEstimates.Margin} adapts to it.
 */
final class TimerSlack {
    private static final int SET = 29;
    private static final int GET = 30;
    private static final FunctionDescriptor PRCTL =
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);

    private TimerSlack() {}

    /** Sets the least possible slack, 1 ns, for this thread. */
    static void shorten() {
        call(SET, 1);
    }

    /** The slack of this thread in ns; negative if it can't be read. */
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
