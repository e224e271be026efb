// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

/**
 * The exit codes, one table for all commands. They are API: scripts compare the numbers. {@code deployment.md}
 * documents them, and each command's help says what they mean for it. A command that SIGTERM or SIGINT (Ctrl-C) ends in
 * order exits with {@link #OK}.
 */
public final class ExitCode {
    /** Done, or ended in order by a signal. */
    public static final int OK = 0;
    /** Failed: another attempt may succeed, or there is a bug. */
    public static final int FAILED = 1;
    /** Wrong arguments, settings or environment; for {@code run} also a rank that another process holds. */
    public static final int USAGE = 2;
    /** Not all ranks are connected: at the deadline, or, for {@code status}, at the moment. */
    public static final int NOT_ALL_CONNECTED = 3;
    /** The process that was asked does not answer. */
    public static final int NO_ANSWER = 4;

    private ExitCode() {}
}
