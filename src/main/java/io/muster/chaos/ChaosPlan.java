// SPDX-License-Identifier: Apache-2.0

package io.muster.chaos;

import io.muster.group.MusterException;
import io.muster.launch.DemoPlan;
import io.muster.launch.RankList;
import java.util.List;

/**
 * A group that faults are done to.
 *
 * @param processes one rank block each
 * @param spared processes from this one on are never killed and never leave, so that what grows in them can be seen
 * @param limitMs silence after which a process counts as lost, as in the settings
 * @param settings further arguments of every {@code run}
 */
public record ChaosPlan(long seed, int ranks, int processes, int spared, long limitMs, List<String> settings) {
    public ChaosPlan {
        settings = List.copyOf(settings);
        if (processes < 3 || processes > DemoPlan.MAX_PROCESSES) {
            throw MusterException.config("faults need 3 to " + DemoPlan.MAX_PROCESSES
                    + " processes, so that two see what happens to the third, got " + processes
                    + ": use --ranks and --processes");
        }
        if (ranks < processes || ranks > DemoPlan.MAX_RANKS) {
            throw MusterException.config(
                    "--ranks must be " + processes + " (one a process) to " + DemoPlan.MAX_RANKS + ", got " + ranks);
        }
    }

    List<List<Integer>> seats() {
        return RankList.blocks(ranks, processes);
    }
}
