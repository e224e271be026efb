// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

/** The exit codes of every command; scripts rely on the numbers. */
public final class ExitCode {
    /** The command did what it was asked to do. */
    public static final int OK = 0;
    /** Something failed. */
    public static final int FAILED = 1;
    /** Arguments, settings or the environment are wrong. */
    public static final int USAGE = 2;
    /** The group was not all-connected before the deadline. */
    public static final int NOT_ALL_CONNECTED = 3;

    private ExitCode() {}
}
