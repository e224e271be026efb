// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import io.muster.group.MusterException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The arguments of a demo.
 *
 * @param missing a rank that is never started
 * @param restart a rank whose process is killed and started again after all-connected
 * @param deadline limit of the wait for each epoch
 * @param settings further arguments of every {@code run}
 */
public record DemoPlan(
        int ranks,
        int processes,
        @Nullable Integer missing,
        @Nullable Integer restart,
        Duration deadline,
        List<String> settings) {
    public static final int MAX_PROCESSES = 64;
    public static final int MAX_RANKS = 1024;

    public DemoPlan {
        settings = List.copyOf(settings);
        if (ranks < 1 || ranks > MAX_RANKS) {
            throw MusterException.config("--ranks must be 1 to " + MAX_RANKS + " in a demo, got " + ranks);
        }
        if (processes < 1 || processes > Math.min(ranks, MAX_PROCESSES)) {
            throw MusterException.config("--processes must be 1 to " + Math.min(ranks, MAX_PROCESSES)
                    + " (at least one rank per process, and at most " + MAX_PROCESSES + " processes on one host), got "
                    + processes);
        }
        outside("--missing", missing, ranks);
        outside("--restart", restart, ranks);
        if (missing != null && restart != null) {
            throw MusterException.config(
                    "--restart needs all-connected, and --missing prevents all-connected: use one of them");
        }
        if (missing != null && ranks == 1) {
            throw MusterException.config("--missing " + missing
                    + " leaves no rank that could report the missing one: use --ranks 2 or more");
        }
        if (restart != null && processes == 1) {
            throw MusterException.config(
                    "--restart needs a second process that detects the loss of the first one: use --processes 2 "
                            + "or more");
        }
    }

    private static void outside(String option, @Nullable Integer rank, int ranks) {
        if (rank != null && (rank < 0 || rank >= ranks)) {
            throw MusterException.config(
                    option + " " + rank + " is outside the world size " + ranks + ": ranks are 0.." + (ranks - 1));
        }
    }

    /** The ranks of each process that is started: blocks of neighbouring ranks, as equal in size as possible. */
    public List<List<Integer>> seats() {
        return RankList.blocks(ranks, processes).stream()
                .map(block ->
                        block.stream().filter(rank -> !rank.equals(missing)).toList())
                .filter(block -> !block.isEmpty())
                .toList();
    }
}
