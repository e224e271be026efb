// SPDX-License-Identifier: Apache-2.0

package io.muster.chaos;

import io.muster.group.MusterException;
import io.muster.launch.DemoPlan;
import io.muster.launch.RankList;
import java.util.List;

/**
 * The group into which faults are injected.
 *
 * @param processes number of processes; each has one block of ranks
 * @param spared processes from this index on are never killed and never leave, so that growth in them can be measured
 * @param limitMs silence after which a process counts as lost, from the settings
 * @param settings further arguments of every {@code run}
 */
public record ChaosPlan(long seed, int ranks, int processes, int spared, long limitMs, List<String> settings) {
    public ChaosPlan {
        settings = List.copyOf(settings);
        if (processes < 3 || processes > DemoPlan.MAX_PROCESSES) {
            throw MusterException.config("faults need 3 to " + DemoPlan.MAX_PROCESSES
                    + " processes, so that two detect the fault of a third, got " + processes
                    + ": use --ranks and --processes");
        }
        if (ranks < processes || ranks > DemoPlan.MAX_RANKS) {
            throw MusterException.config(
                    "--ranks must be " + processes + " (one per process) to " + DemoPlan.MAX_RANKS + ", got " + ranks);
        }
    }

    List<List<Integer>> seats() {
        return RankList.blocks(ranks, processes);
    }
}
