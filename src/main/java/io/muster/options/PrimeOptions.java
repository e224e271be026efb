// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import io.muster.Muster;
import java.time.Duration;

/**
 * What a process that the launcher starts rehearses before it joins a group ({@link Muster#prime}), so that its first
 * group does not pay for code that runs for the first time.
 *
 * @param rounds groups that are connected in miniature, at most; 0 is none
 * @param budgetMs no further round begins after this, but for the first five
 * @param processes that are played in this one; a group has one rank more, and dials once for each pair of processes
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
