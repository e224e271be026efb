// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import com.sun.management.UnixOperatingSystemMXBean;
import io.muster.group.MusterException;
import java.lang.management.ManagementFactory;

/** How many files and sockets this process may open: what fails for want of them says everything but that. */
public final class FileLimit {
    private static final long FEW_LEFT = 16;
    /** A small group with its cluster needs about a hundred. */
    private static final long FEW = 256;

    /** A process alone, measured: 92. */
    private static final long LEAST = 128;
    /** Sockets of the store, the event bus and the data path; measured: 5. */
    private static final long FOR_EACH_OTHER = 8;

    private static final long ADVISED = 1_024;
    private static final String RAISE = ": raise its limit (ulimit -n) to " + ADVISED + " or more";

    private FileLimit() {}

    /**
     * To be asked before anything is opened: what fails later for want of a socket may fail anywhere, and half.
     *
     * @param others processes that this one will have connections to
     * @throws MusterException CONFIG if the limit is too low for that
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

    /** Empty while there are enough; otherwise a clause that says so. */
    public static String hint() {
        try {
            return ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system
                    ? hint(system.getOpenFileDescriptorCount(), system.getMaxFileDescriptorCount())
                    : "";
        } catch (LinkageError e) { // not even the library that could tell can be opened
            return hint(String.valueOf(e.getMessage()));
        }
    }

    /** The same from what a failure says. */
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
