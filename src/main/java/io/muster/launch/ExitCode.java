// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

/**
 * The exit codes of every command. They are API: scripts compare the numbers. {@code deployment.md} documents them, and
 * each command's help says what they mean for it.
 */
public final class ExitCode {
    /** Done. */
    public static final int OK = 0;
    /** Failed: another attempt may succeed, or there is a bug. */
    public static final int FAILED = 1;
    /** Wrong arguments, settings or environment; for {@code run} also a rank that another process holds. */
    public static final int USAGE = 2;
    /** Not all ranks were connected before the deadline. */
    public static final int NOT_ALL_CONNECTED = 3;

    /** Ended by SIGTERM, after leaving in order. Ctrl-C (SIGINT) ends a JVM with 130 in the same way. */
    public static final int TERMINATED = 128 + 15;

    private ExitCode() {}
}
