// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The conditions for memory of this process that takes part in a transfer. They are the same for every way that the
 * bytes may take, so a transfer does not start to fail when a rank moves to another process or host.
 */
public final class HostMemory {
    /** Never runs. Memory that it may access is accessible to every event loop. */
    private static final Thread OTHER = Thread.ofVirtual().unstarted(() -> {});

    /** The failure of a transfer whose memory in this process was freed too early. */
    public static final String CLOSED_UNDER_WAY =
            "the arena of the memory in this process was closed while the transfer was under way";

    private HostMemory() {}

    /**
     * The reason why this memory can't be used, as a clause that follows "it". Null if it can.
     *
     * @param written whether the transfer writes into it
     */
    public static @Nullable String problem(MemorySegment memory, boolean written) {
        if (!memory.isNative()) {
            return "is on the Java heap, which no transport can access";
        }
        if (!memory.isAccessibleBy(OTHER)) {
            return "is confined to one thread";
        }
        if (!memory.scope().isAlive()) {
            return "was freed: its arena is closed";
        }
        return written && memory.isReadOnly() ? "is read-only" : null;
    }
}
