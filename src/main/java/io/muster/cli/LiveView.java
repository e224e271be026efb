// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Shows a state that changes often. A terminal shows a table that is redrawn in place: the terminal cuts lines that are
 * wider than it, and the table is not higher than it. A file, a pipe, or a terminal that can't move its cursor gets a
 * line for each change, at most every 250 ms. No colours are used.
 */
final class LiveView {
    private static final String NO_WRAP = "\033[?7l";
    private static final String WRAP = "\033[?7h";
    private static final String CLEAR_LINE = "\033[K";
    private static final String CLEAR_BELOW = "\033[J";
    private static final int USUAL_HEIGHT = 24;

    private final PrintStream out;
    private final Kind kind;
    private final int height;
    private List<String> shown = List.of();
    private long shownNanos = Long.MIN_VALUE / 2;
    private boolean pending;
    /** Lines of the table that stand above the cursor, and are drawn over next time. */
    private int standing;

    enum Kind {
        /** Shows nothing. */
        OFF(3_600_000, 3_600_000),
        LINES(250, 3_600_000),
        /** Redraws every second without a change, because the table has times. */
        TERMINAL(50, 1_000);

        private final long paceNanos;
        private final long idleNanos;

        Kind(long paceMs, long idleMs) {
            this.paceNanos = TimeUnit.MILLISECONDS.toNanos(paceMs);
            this.idleNanos = TimeUnit.MILLISECONDS.toNanos(idleMs);
        }

        static Kind of(boolean off) {
            var console = System.console();
            return off ? OFF : of(console != null && console.isTerminal(), System.getenv("TERM"));
        }

        /** @param term the type of the terminal, as the environment names it */
        static Kind of(boolean isTerminal, @Nullable String term) {
            return isTerminal && term != null && !term.isEmpty() && !term.equals("dumb") ? TERMINAL : LINES;
        }
    }

    /** @param height lines of the terminal */
    LiveView(PrintStream out, Kind kind, int height) {
        this.out = out;
        this.kind = kind;
        this.height = height;
    }

    static LiveView on(PrintStream out, Kind kind) {
        return new LiveView(out, kind, kind == Kind.TERMINAL ? terminalHeight() : USUAL_HEIGHT);
    }

    /** Lines that a table may have. */
    int room() {
        return Math.max(2, height - 2);
    }

    /** Shows the state now, if it has changed and the last time is long enough ago. */
    void show(String line, Supplier<List<String>> table, long nowNanos) {
        if (kind != Kind.OFF) {
            show(kind == Kind.TERMINAL ? table.get() : List.of(line), nowNanos, false);
        }
    }

    private void show(List<String> lines, long nowNanos, boolean now) {
        pending = !lines.equals(shown);
        if (pending && (now || nowNanos - shownNanos >= kind.paceNanos)) {
            if (kind == Kind.TERMINAL) {
                draw(lines);
            } else {
                lines.forEach(out::println);
            }
            out.flush();
            shown = lines;
            shownNanos = nowNanos;
            pending = false;
        } else if (!pending && nowNanos - shownNanos >= kind.idleNanos) {
            shownNanos = nowNanos; // the same as before: look again after the same time
        }
    }

    private void draw(List<String> lines) {
        var text = new StringBuilder(NO_WRAP).append(up());
        lines.forEach(line -> text.append(CLEAR_LINE).append(line).append('\n'));
        out.print(text.append(CLEAR_BELOW).append(WRAP));
        standing = lines.size();
    }

    private String up() {
        return standing == 0 ? "\r" : "\r\033[" + standing + "A";
    }

    /** Time until {@link #show} has something to do, unless the state changes before. */
    long dueInNanos(long nowNanos) {
        long pace = pending ? kind.paceNanos : kind.idleNanos;
        return Math.max(1, pace - (nowNanos - shownNanos));
    }

    /** Takes the table away, so that other output takes its place. It comes back below with the next change. */
    void pause() {
        if (standing > 0) {
            out.print(up() + CLEAR_BELOW);
            out.flush();
            standing = 0;
            shown = List.of();
        }
    }

    /** Shows the last state, and leaves it there. */
    void end(String line, Supplier<List<String>> table) {
        if (kind != Kind.OFF) {
            show(kind == Kind.TERMINAL ? table.get() : List.of(line), System.nanoTime(), true);
        }
        standing = 0;
    }

    private static int terminalHeight() {
        try {
            Process stty = new ProcessBuilder("stty", "size")
                    .redirectInput(ProcessBuilder.Redirect.INHERIT)
                    .redirectErrorStream(true)
                    .start();
            String size = new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
            int rows = Integer.parseInt(size.strip().split(" ", 2)[0]);
            return rows > 0 ? rows : USUAL_HEIGHT;
        } catch (IOException | NumberFormatException _) {
            return USUAL_HEIGHT;
        }
    }
}
