// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import io.muster.group.Clause;
import java.util.List;
import java.util.function.Predicate;

/** Why a child process has ended, from its exit code and the last lines that it printed: a pure function. */
final class ChildEnd {
    private static final String SENTENCE = "muster: ";
    private static final String DEBUG = "set MUSTER_DEBUG=1 to see what it printed";
    private static final String LESS = "free memory, or start fewer processes (--processes, --ranks)";
    private static final int SIGNALS = 128;
    private static final int SIGKILL = SIGNALS + 9;
    private static final int LONGEST = 300;

    private ChildEnd() {}

    /** One sentence, with what to do. */
    static String why(int exitCode, List<String> lines) {
        String own = last(lines, line -> line.startsWith(SENTENCE));
        if (!own.isEmpty()) {
            return own.substring(SENTENCE.length());
        }
        String memory = last(lines, ChildEnd::isAboutMemory);
        if (!memory.isEmpty()) {
            return "this host or its JVM has too little memory (" + memory + "); " + LESS;
        }
        if (exitCode == 0) {
            return "it was asked to end (SIGTERM or SIGINT), and has left in order";
        }
        if (exitCode == SIGKILL) {
            return "it was killed (SIGKILL), as the kernel does where memory is short (see dmesg); " + LESS;
        }
        if (exitCode > SIGNALS) {
            return "signal " + (exitCode - SIGNALS) + " ended it; find out who sent it";
        }
        String said = last(lines, line -> !isTrace(line));
        return said.isEmpty() ? "it has printed nothing; " + DEBUG : said + "; " + DEBUG;
    }

    private static boolean isAboutMemory(String line) {
        return line.contains("OutOfMemoryError")
                || line.contains("insufficient memory")
                || line.contains("Could not reserve enough space")
                || line.contains("unable to create native thread");
    }

    private static boolean isTrace(String line) {
        String text = line.strip();
        return text.isEmpty()
                || text.startsWith("at ")
                || text.startsWith("Caused by: ")
                || text.startsWith("Suppressed: ")
                || text.startsWith("... ");
    }

    private static String last(List<String> lines, Predicate<String> like) {
        String found = lines.stream().filter(like).reduce("", (_, last) -> last).strip();
        return Clause.atMost(LONGEST, found);
    }
}
