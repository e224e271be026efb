// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import com.sun.management.UnixOperatingSystemMXBean;
import io.muster.group.MusterException;
import java.lang.management.ManagementFactory;

/** The limit of open files and sockets of this process. A failure that it causes elsewhere rarely names it. */
public final class FileLimit {
    private static final long FEW_LEFT = 16;
    /** A small group with its cluster needs about a hundred files. */
    private static final long FEW = 256;

    /** A process alone; measured: 92. */
    private static final long LEAST = 128;
    /** Sockets per other process: store, event bus and data path; measured: 5. */
    private static final long FOR_EACH_OTHER = 8;

    private static final long ADVISED = 1_024;
    private static final String RAISE = ": raise its limit (ulimit -n) to " + ADVISED + " or more";

    private FileLimit() {}

    /**
     * Checks the limit. Call it before anything is opened: a failure for want of a socket may come later, anywhere, and
     * leave something half open.
     *
     * @param others number of processes that this one will be connected to
     * @throws MusterException CONFIG if the limit is too low
     */
    public static void require(int others) {
        if (ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system) {
            String mistake = mistake(system.getMaxFileDescriptorCount(), others);
            if (!mistake.isEmpty()) {
                throw MusterException.config(mistake);
            }
        }
    }

    static String mistake(long limit, int others) {
        long needed = LEAST + FOR_EACH_OTHER * others;
        return limit >= needed
                ? ""
                : "this process may open " + limit + " files and sockets, and needs " + needed
                        + (others == 0 ? "" : " for " + others + " other processes")
                        + (needed <= ADVISED ? RAISE : ": raise its limit (ulimit -n)");
    }

    /** A clause that says that few files are left; empty while there are enough. */
    public static String hint() {
        try {
            return ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system
                    ? hint(system.getOpenFileDescriptorCount(), system.getMaxFileDescriptorCount())
                    : "";
        } catch (LinkageError e) { // even the library that reads the limit cannot be opened
            return hint(String.valueOf(e.getMessage()));
        }
    }

    /** The same, from the text of a failure. */
    public static String hint(String failure) {
        return failure.contains("Too many open files") || failure.contains("Failed to open a Selector")
                ? "; this process may open too few files and sockets" + RAISE
                : "";
    }

    static String hint(long open, long limit) {
        return limit >= FEW && limit - open >= FEW_LEFT
                ? ""
                : "; this process may open " + limit + " files and sockets and has " + open + " open" + RAISE;
    }
}
