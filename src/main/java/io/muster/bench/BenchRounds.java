// SPDX-License-Identifier: Apache-2.0

package io.muster.bench;

import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;

/** The rounds of {@code bench connect} and their statistics. */
final class BenchRounds {
    /**
     * The parts of a round. A phase ends when the last process has reached it, and never before the phase above it. So
     * the phases of a round add up to its time, and a phase that ended before its predecessor takes 0.
     */
    enum Phase {
        /** Mode cold only: the process starts, forms or joins the cluster, and prepares its ranks. */
        START,
        /** Claim and publish: the compare-and-set of the last rank's entry has been answered. */
        PUBLISH,
        /**
         * Every link has left WAITING_STORE: it knows its peer's handle, by gossip, by the store's push, or by a
         * link-open.
         */
        NOTICE,
        /** Every writer's link has a channel: both sockets are connected, hellos done, 64 KiB verified both ways. */
        DIAL,
        /** Every link-open is accepted at both ends. */
        OPEN,
        /** Every link is CONNECTED: both directions carried verified bytes. */
        WARMUP,
        /** The epoch is open for every process: it follows from the entries, or a record says so. */
        EPOCH,
        /** Every rank has made its mark and sent it to the process that completes the epoch. */
        MARK,
        /** The first process, which has written the record, knows that it says COMPLETE. */
        COMPLETE,
        /** Every rank has been informed. */
        KNOW;

        String text() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    /**
     * One round.
     *
     * @param nanos duration of the round
     * @param phases duration of each phase that was measured
     * @param cpuNanos mode hot only: processor time of all processes from before the publish until after the end
     * @param degradedLocalNanos mode restart only: from the kill until each other node had published {@code degraded}
     *     locally
     * @param degradedClusterNanos mode restart only: from the kill until the clustered {@code degraded} had reached
     *     each other node
     */
    record Round(
            long nanos, Map<Phase, Long> phases, long cpuNanos, long degradedLocalNanos, long degradedClusterNanos) {
        /**
         * @param ends when the last process reached each phase, on one clock; phases that were not measured are absent
         */
        static Round of(long fromNanos, Map<Phase, Long> ends) {
            Map<Phase, Long> phases = new EnumMap<>(Phase.class);
            long before = fromNanos;
            for (Phase phase : Phase.values()) {
                if (ends.containsKey(phase)) {
                    long end = Math.max(before, ends.get(phase));
                    phases.put(phase, end - before);
                    before = end;
                }
            }
            return new Round(before - fromNanos, phases, 0, 0, 0);
        }

        Round degraded(long localNanos, long clusterNanos) {
            return new Round(nanos, phases, cpuNanos, localNanos, clusterNanos);
        }

        Round cpu(long usedNanos) {
            return new Round(nanos, phases, usedNanos, degradedLocalNanos, degradedClusterNanos);
        }

        String text() {
            StringBuilder text = new StringBuilder(millis(nanos) + " ms (");
            phases.forEach((phase, took) -> text.append(
                            phase.ordinal() == 0 || text.charAt(text.length() - 1) == '(' ? "" : " ")
                    .append(phase.text())
                    .append(' ')
                    .append(millis(took)));
            text.append(')');
            if (cpuNanos > 0) {
                text.append(", cpu ").append(millis(cpuNanos));
            }
            return degradedLocalNanos == 0
                    ? text.toString()
                    : text + ", degraded local " + millis(degradedLocalNanos) + " cluster "
                            + millis(degradedClusterNanos);
        }
    }

    private final BenchMode mode;
    private final List<Round> rounds = new ArrayList<>();

    BenchRounds(BenchMode mode) {
        this.mode = mode;
    }

    void add(Round round) {
        rounds.add(round);
    }

    /** The first round apart from the others; a single round counts as both. */
    JsonObject toJson() {
        List<Round> others = rounds.size() == 1 ? rounds : rounds.subList(1, rounds.size());
        long[] times = sorted(others, Round::nanos);
        var phases = new JsonObject();
        for (Phase phase : Phase.values()) {
            if (rounds.getFirst().phases().containsKey(phase)) {
                phases.put(
                        phase.text(),
                        millis(percentile(sorted(others, round -> round.phases().getOrDefault(phase, 0L)), 0.5)));
            }
        }
        var json = new JsonObject()
                .put("firstMs", millis(rounds.getFirst().nanos()))
                .put("medianMs", millis(percentile(times, 0.5)))
                .put("p90Ms", millis(percentile(times, 0.9)))
                .put("minMs", millis(times[0]))
                .put("maxMs", millis(times[times.length - 1]))
                .put("phasesMs", phases);
        if (mode == BenchMode.RESTART) {
            json.put("degradedLocalMs", millis(percentile(sorted(rounds, Round::degradedLocalNanos), 0.5)))
                    .put("degradedClusterMs", millis(percentile(sorted(rounds, Round::degradedClusterNanos), 0.5)));
        }
        return json;
    }

    private static long[] sorted(List<Round> rounds, ToLongFunction<Round> what) {
        return rounds.stream().mapToLong(what).sorted().toArray();
    }

    /** The smallest value that this share of all values does not exceed; an even number has its median between two. */
    static long percentile(long[] sorted, double share) {
        if (share == 0.5 && sorted.length % 2 == 0) {
            return (sorted[sorted.length / 2 - 1] + sorted[sorted.length / 2]) / 2;
        }
        return sorted[Math.clamp((int) Math.ceil(share * sorted.length) - 1, 0, sorted.length - 1)];
    }

    static double millis(long nanos) {
        return Math.round(nanos / 10_000.0) / 100.0;
    }
}
