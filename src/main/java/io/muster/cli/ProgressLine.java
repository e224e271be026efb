// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import java.io.PrintStream;
import java.util.concurrent.TimeUnit;

/**
 * Shows a line that changes often. A terminal shows one line that is overwritten; a file or pipe gets a new line at
 * most every 250 ms.
 */
final class ProgressLine {
    private static final String TO_START_AND_CLEAR = "\r\033[K";

    private final PrintStream out;
    private final Kind kind;
    private String latest = "";
    private String shown = "";
    private long shownNanos = Long.MIN_VALUE / 2;

    enum Kind {
        /** Shows nothing. */
        OFF(3_600_000),
        LINES(250),
        TERMINAL(50);

        private final long paceNanos;

        Kind(long paceMs) {
            this.paceNanos = TimeUnit.MILLISECONDS.toNanos(paceMs);
        }

        static Kind of(boolean off) {
            var console = System.console();
            return off ? OFF : console != null && console.isTerminal() ? TERMINAL : LINES;
        }
    }

    ProgressLine(PrintStream out, Kind kind) {
        this.out = out;
        this.kind = kind;
    }

    /** Sets the line. It is shown at once, or at the next due time. */
    void set(String line, long nowNanos) {
        latest = line;
        if (kind != Kind.OFF && !latest.equals(shown) && nowNanos - shownNanos >= kind.paceNanos) {
            out.print(kind == Kind.TERMINAL ? TO_START_AND_CLEAR + latest : latest + System.lineSeparator());
            out.flush();
            shown = latest;
            shownNanos = nowNanos;
        }
    }

    /** Time until a line that is set and not shown yet may be shown. */
    long dueInNanos(long nowNanos) {
        return latest.equals(shown) ? Kind.OFF.paceNanos : Math.max(1, kind.paceNanos - (nowNanos - shownNanos));
    }

    /** Ends the line with its latest state, so that other output can follow. */
    void end() {
        if (kind == Kind.TERMINAL && !shown.isEmpty()) {
            out.print(TO_START_AND_CLEAR + latest + System.lineSeparator());
            out.flush();
        } else if (kind == Kind.LINES) {
            set(latest, System.nanoTime() + kind.paceNanos);
        }
        latest = "";
        shown = "";
    }
}
