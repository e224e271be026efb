// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import java.util.concurrent.TimeUnit;

/** What a process waits for while it starts. Written by the threads that start it, read by any thread. */
public final class StartProgress {
    private volatile Step step = new Step("its own parts to load", "", System.nanoTime());

    /** @param why what is known of the reason, and what to do; may be empty */
    private record Step(String what, String why, long sinceNanos) {}

    /** The start waits for this from now on, or still does. */
    public synchronized void waitsFor(String what, String why) {
        step = new Step(what, why, step.what().equals(what) ? step.sinceNanos() : System.nanoTime());
    }

    /** Such as {@code the founder at 10.0.0.4:7600, for 12000 ms: Connection refused}. */
    public String text() {
        Step now = step;
        return now.what() + ", for " + TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - now.sinceNanos()) + " ms"
                + (now.why().isEmpty() ? "" : ": " + now.why());
    }
}
