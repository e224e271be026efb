// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import java.time.Duration;

/**
 * Warming up of code ({@code Muster.prime}): a process that the launcher starts connects small groups inside itself
 * before it joins a real one, so that its first group is not slowed down by code that runs for the first time.
 *
 * @param rounds small groups to connect, at most; 0 disables it
 * @param budgetMs no further round begins after this, but for the first five
 * @param processes simulated processes; a group has one rank more, and dials once for each pair of processes
 */
public record PrimeOptions(int rounds, int budgetMs, int processes) {
    static final PrimeOptions DEFAULTS = new PrimeOptions(20, 1500, 2);

    public PrimeOptions {
        Mistakes mistakes = new Mistakes("prime");
        mistakes.range("rounds", rounds, 0, 10_000, "rounds");
        mistakes.range("budgetMs", budgetMs, 0, 600_000, "ms");
        mistakes.range("processes", processes, 2, 16, "processes");
        mistakes.throwIfAny();
    }

    public PrimeOptions withRounds(int rounds) {
        return new PrimeOptions(rounds, budgetMs, processes);
    }

    public PrimeOptions withBudget(Duration budget) {
        return new PrimeOptions(rounds, Durations.inMillis(budget), processes);
    }

    public PrimeOptions withProcesses(int processes) {
        return new PrimeOptions(rounds, budgetMs, processes);
    }
}
