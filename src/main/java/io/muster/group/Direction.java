// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

/** The direction of a one-sided transfer. */
public enum Direction {
    /** From this process into the region. */
    WRITE,
    /** From the region into this process. */
    READ
}
