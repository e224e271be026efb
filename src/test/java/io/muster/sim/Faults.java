// SPDX-License-Identifier: Apache-2.0

package io.muster.sim;

/** Which faults strike in one run, how often, and how often they did. */
final class Faults {
    private static final Fault[] ALL = Fault.values();

    private final Chance chance;
    private final double[] rates = new double[ALL.length];
    private final long[] fired = new long[ALL.length];
    private boolean on;

    Faults(Chance chance) {
        this.chance = chance;
    }

    void rate(Fault fault, double probability) {
        rates[fault.ordinal()] = probability;
    }

    void start() {
        on = true;
    }

    void end() {
        on = false;
    }

    boolean areOn() {
        return on;
    }

    /** Whether a continuous fault strikes now. */
    boolean strikes(Fault fault) {
        double rate = rates[fault.ordinal()];
        if (!on || rate == 0 || !chance.with(rate)) {
            return false;
        }
        fired(fault);
        return true;
    }

    boolean mayStrike(Fault fault) {
        return rates[fault.ordinal()] > 0;
    }

    void fired(Fault fault) {
        fired[fault.ordinal()]++;
    }

    long count(Fault fault) {
        return fired[fault.ordinal()];
    }
}
