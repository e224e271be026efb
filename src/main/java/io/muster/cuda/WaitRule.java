// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

/**
 * How a GPU's thread waits for copies.
 *
 * @param lookNanos a copy that takes no longer is looked after, which takes a core and is over before any other way
 *     would have paid; 0: the thread never looks, it sleeps between two questions
 */
record WaitRule(long lookNanos) {
    static final WaitRule USUAL = new WaitRule(20_000);
    /**
     * What should have ended so long ago, or was begun so long ago while nothing is known of it, takes longer than is
     * known.
     */
    static final long LATE_NANOS = 60_000;
    /** A shorter sleep is none. */
    static final long WORTH_NANOS = 10_000;

    static final long NAP_NANOS = 20_000;
    private static final long CALLS_NANOS = 8_000;
    /** The calls, and a nap that ends late. */
    private static final long CALLS_AND_NAP_NANOS = 50_000;

    /**
     * What is under way.
     *
     * @param idle nothing is
     * @param untilDueNanos until the first copy should be done; {@link CopyPace#UNKNOWN} if that is not known of any
     * @param areLong something is, and all of it will take longer than is looked after
     */
    record UnderWay(boolean idle, long untilDueNanos, boolean areLong) {}

    /** For how fast copies are, by what is seen of them when it is waited like this. */
    CopyPace pace() {
        return new CopyPace(lookNanos == 0 ? CALLS_AND_NAP_NANOS : CALLS_NANOS);
    }

    /**
     * @param sinceNanos since something was started or has ended
     * @param marginNanos how much earlier a sleep has to end
     */
    Waiting next(long sinceNanos, UnderWay underWay, long marginNanos) {
        return lookNanos == 0 ? asleep(sinceNanos, underWay, marginNanos) : awake(sinceNanos, underWay, marginNanos);
    }

    private Waiting awake(long sinceNanos, UnderWay underWay, long marginNanos) {
        if (sinceNanos < lookNanos && !underWay.areLong()) {
            return Waiting.LOOK;
        }
        long untilDueNanos = underWay.untilDueNanos();
        if (untilDueNanos == CopyPace.UNKNOWN || untilDueNanos < -LATE_NANOS) {
            return Waiting.TO_BE_WOKEN;
        }
        long sleepNanos = untilDueNanos - marginNanos;
        return untilDueNanos > lookNanos && sleepNanos > WORTH_NANOS ? new Waiting.Sleep(sleepNanos) : Waiting.LOOK;
    }

    /**
     * What is known to take long is slept through until shortly before its end here, too: from a sleep beyond it nobody
     * would learn when it was.
     */
    private static Waiting asleep(long sinceNanos, UnderWay underWay, long marginNanos) {
        long untilDueNanos = underWay.untilDueNanos();
        if (underWay.idle()) {
            return Waiting.TO_BE_WOKEN;
        }
        if (untilDueNanos == CopyPace.UNKNOWN) {
            return sinceNanos < LATE_NANOS ? Waiting.NAP : Waiting.TO_BE_WOKEN;
        }
        if (untilDueNanos < -LATE_NANOS) {
            return Waiting.TO_BE_WOKEN;
        }
        long sleepNanos = untilDueNanos - marginNanos;
        return sleepNanos > NAP_NANOS ? new Waiting.Sleep(sleepNanos) : Waiting.NAP;
    }
}
