// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

/** Which way the bytes of a one-sided transfer go. */
public enum Direction {
    /** From this process into the region. */
    WRITE,
    /** From the region into this process. */
    READ
}
