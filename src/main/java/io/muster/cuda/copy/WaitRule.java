// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.copy;

/**
 * How a GPU's thread waits for copies: it polls while a copy is expected to end soon, sleeps through a copy of known
 * length, and otherwise lets the driver wake it. Polling uses a core but sees the end at once; a wake-up by the driver
 * comes some 30 µs late.
 *
 * @param pollNanos copies that are expected to end within this time are polled for; 0 disables polling, and the thread
 *     sleeps {@link #NAP_NANOS} between two queries
 */
public record WaitRule(long pollNanos) {
    public static final WaitRule USUAL = new WaitRule(20_000);
    /**
     * A copy that is overdue by this time takes longer than its estimate. So does a copy without an estimate that
     * started this long ago.
     */
    static final long LATE_NANOS = 60_000;
    /** A shorter sleep is not worth its wake-up. */
    static final long WORTH_NANOS = 10_000;

    /** Without polling, the end of a copy is seen about this late. */
    static final long NAP_NANOS = 20_000;
    /** The calls of the driver that start a copy and query it. */
    private static final long CALLS_NANOS = 8_000;
    /** The calls, and a nap that ends late. */
    private static final long CALLS_AND_NAP_NANOS = 50_000;

    /** The next step of a thread that has nothing else to do. */
    sealed interface Waiting {
        /** Query again at once. */
        record Poll() implements Waiting {}

        /** Sleep, which uses no core and ends late ({@link WaitEstimates.Margin}). */
        record Sleep(long nanos) implements Waiting {}

        /** Sleep for {@link #NAP_NANOS}, then query again. */
        record Nap() implements Waiting {}

        /** Sleep until the driver or a new task wakes the thread. */
        record UntilWoken() implements Waiting {}

        Poll POLL = new Poll();
        Nap NAP = new Nap();
        UntilWoken UNTIL_WOKEN = new UntilWoken();
    }

    /**
     * The copies in progress.
     *
     * @param idle true if there are none
     * @param untilDueNanos time until the first copy is expected to end; {@link WaitEstimates.Pace#UNKNOWN} if there is
     *     no estimate for any
     * @param areLong true if there are some, and each is expected to take longer than {@link #pollNanos}
     */
    record UnderWay(boolean idle, long untilDueNanos, boolean areLong) {}

    /** A new estimate of the speed of copies, for ends that are seen by this rule. */
    WaitEstimates.Pace pace() {
        return new WaitEstimates.Pace(pollNanos == 0 ? CALLS_AND_NAP_NANOS : CALLS_NANOS);
    }

    /**
     * @param sinceNanos time since a copy last started or ended
     * @param marginNanos how long before the expected end a sleep has to end
     */
    Waiting next(long sinceNanos, UnderWay underWay, long marginNanos) {
        return pollNanos == 0
                ? withoutPolling(sinceNanos, underWay, marginNanos)
                : polling(sinceNanos, underWay, marginNanos);
    }

    private Waiting polling(long sinceNanos, UnderWay underWay, long marginNanos) {
        if (sinceNanos < pollNanos && !underWay.areLong()) {
            return Waiting.POLL;
        }
        long untilDueNanos = underWay.untilDueNanos();
        if (untilDueNanos == WaitEstimates.Pace.UNKNOWN || untilDueNanos < -LATE_NANOS) {
            return Waiting.UNTIL_WOKEN;
        }
        long sleepNanos = untilDueNanos - marginNanos;
        return untilDueNanos > pollNanos && sleepNanos > WORTH_NANOS ? new Waiting.Sleep(sleepNanos) : Waiting.POLL;
    }

    /**
     * The sleep for a copy of known length ends shortly before the copy here too: a thread that slept beyond the end
     * would measure its own sleep and estimate a longer copy the next time.
     */
    private static Waiting withoutPolling(long sinceNanos, UnderWay underWay, long marginNanos) {
        long untilDueNanos = underWay.untilDueNanos();
        if (underWay.idle()) {
            return Waiting.UNTIL_WOKEN;
        }
        if (untilDueNanos == WaitEstimates.Pace.UNKNOWN) {
            return sinceNanos < LATE_NANOS ? Waiting.NAP : Waiting.UNTIL_WOKEN;
        }
        if (untilDueNanos < -LATE_NANOS) {
            return Waiting.UNTIL_WOKEN;
        }
        long sleepNanos = untilDueNanos - marginNanos;
        return sleepNanos > NAP_NANOS ? new Waiting.Sleep(sleepNanos) : Waiting.NAP;
    }
}
