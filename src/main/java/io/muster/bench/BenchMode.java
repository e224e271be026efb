// SPDX-License-Identifier: Apache-2.0

package io.muster.bench;

import java.util.Locale;

/** The four situations that {@code bench connect} measures. */
enum BenchMode {
    /** All processes are up and all ranks are prepared; all ranks publish at once. */
    HOT,
    /** All ranks but one have published and wait; then the last rank publishes. */
    LATE,
    /** A process of a connected group is killed, and a new process takes its ranks. */
    RESTART,
    /** All processes are started at once. */
    COLD;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
