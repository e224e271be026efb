// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import java.time.Duration;

/** Times of the Java API as the whole numbers of the settings, rounded up. */
final class Durations {
    /** One unit of the settings. */
    private static final Duration MILLI = Duration.ofMillis(1);
    /** One unit of the settings. */
    private static final Duration MICRO = Duration.ofNanos(1000);

    private Durations() {}

    static int inMillis(Duration time) {
        return in(MILLI, time);
    }

    static int inMicros(Duration time) {
        return in(MICRO, time);
    }

    /** A time that is out of the range of int becomes the nearest int; the range of the setting then rejects it. */
    private static int in(Duration unit, Duration time) {
        if (time.compareTo(unit.multipliedBy(Integer.MAX_VALUE)) > 0) {
            return Integer.MAX_VALUE;
        }
        if (time.compareTo(unit.multipliedBy(Integer.MIN_VALUE)) < 0) {
            return Integer.MIN_VALUE;
        }
        int whole = (int) time.dividedBy(unit);
        return unit.multipliedBy(whole).compareTo(time) < 0 ? whole + 1 : whole;
    }
}
