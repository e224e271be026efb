// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

import java.util.List;

/**
 * A process of a group, described for people.
 *
 * @param host host and port where it listens
 */
public record Party(ProcessId process, long pid, String host, List<Integer> ranks) {
    public Party {
        ranks = ranks.stream().sorted().toList();
    }

    /** Such as {@code rank 3 (pid 71 at 10.0.0.7:7601)}. */
    String text() {
        return (ranks.size() == 1 ? "rank " + ranks.getFirst() : "ranks " + ranks) + " (pid " + pid + " at " + host
                + ")";
    }
}
