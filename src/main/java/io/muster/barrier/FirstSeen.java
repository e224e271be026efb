// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.group.Member;
import io.muster.segment.EpochRecord;
import java.util.HashMap;
import java.util.Map;

/** When each life was first seen here, to measure how long an epoch took. */
final class FirstSeen {
    private final Map<Member, Long> nanos = new HashMap<>();

    void seen(Member member) {
        nanos.putIfAbsent(member, System.nanoTime());
    }

    /** Time since the newest member of the epoch was first seen, in ms. */
    long elapsedMs(EpochRecord record) {
        nanos.keySet().retainAll(record.vector());
        long now = System.nanoTime();
        long least = nanos.isEmpty() ? 0 : Long.MAX_VALUE;
        for (long seen : nanos.values()) {
            least = Math.min(least, now - seen);
        }
        return least / 1_000_000;
    }
}
