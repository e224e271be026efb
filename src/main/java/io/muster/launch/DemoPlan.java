// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import io.muster.group.MusterException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a demo does.
 *
 * @param missing a rank that is never started
 * @param restart a rank whose process is killed and started again after all-connected
 * @param deadline for each epoch that is waited for
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
                    + " (no process without a rank, and not more than " + MAX_PROCESSES + " on one host), got "
                    + processes);
        }
        outside("--missing", missing, ranks);
        outside("--restart", restart, ranks);
        if (missing != null && restart != null) {
            throw MusterException.config(
                    "--restart comes after all-connected, which --missing prevents: use one of them");
        }
        if (missing != null && ranks == 1) {
            throw MusterException.config("--missing leaves nobody who could tell that rank " + missing
                    + " is missing: use --ranks 2 or more");
        }
        if (restart != null && processes == 1) {
            throw MusterException.config(
                    "--restart needs a second process that sees the first one die: use --processes 2 or more");
        }
    }

    private static void outside(String option, @Nullable Integer rank, int ranks) {
        if (rank != null && (rank < 0 || rank >= ranks)) {
            throw MusterException.config(
                    option + " " + rank + " is outside the world size " + ranks + ": ranks are 0.." + (ranks - 1));
        }
    }

    /** The ranks of each process that is started, in blocks of as equal a size as possible. */
    public List<List<Integer>> seats() {
        return RankList.blocks(ranks, processes).stream()
                .map(block ->
                        block.stream().filter(rank -> !rank.equals(missing)).toList())
                .filter(block -> !block.isEmpty())
                .toList();
    }
}
