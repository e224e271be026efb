// SPDX-License-Identifier: Apache-2.0

package io.muster.chaos;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Compares the injected faults with the reports of the group. A rank may be named from the moment of its fault until
 * all are connected again. Any other rank that a report names is a wrong accusation. All times are of the host's one
 * monotonic clock. Not thread-safe.
 */
final class ChaosLedger {
    /**
     * Blame is gathered from all processes, which takes time. For so long after all were connected again, a blame may
     * still be about the fault before.
     */
    private static final long BLAME_LATE_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final List<Entry> faults = new ArrayList<>();
    private final List<String> wrong = new ArrayList<>();
    /** Right accusations, which may be repeated at any time. */
    private final Set<Accusation> known = new HashSet<>();

    private @Nullable Entry open;
    private long longestToReportNanos;
    private long longestToAllConnectedNanos;

    private record Accusation(long epoch, int rank) {}

    /** One fault and the reports about it. */
    private static final class Entry {
        private final ChaosFault.Kind kind;
        private final Set<Integer> ranks;
        private final Set<Integer> reporters;
        private final long fromNanos;
        private boolean ended;
        private long toNanos;
        private final Map<Integer, Long> reportedNanos = new TreeMap<>();
        private final Set<Integer> named = new TreeSet<>();
        private boolean excused;
        private boolean accusesWrongly;

        Entry(ChaosFault.Kind kind, Set<Integer> ranks, Set<Integer> reporters, long fromNanos) {
            this.kind = kind;
            this.ranks = ranks;
            this.reporters = reporters;
            this.fromNanos = fromNanos;
        }

        /** True if a blame of this moment may be about this fault. */
        boolean mayBeMeant(long atNanos) {
            return !ended || atNanos - toNanos < BLAME_LATE_NANOS;
        }

        boolean isReported() {
            return reportedNanos.keySet().containsAll(reporters);
        }

        boolean isBlamedRight() {
            return !accusesWrongly && (!kind.mustBeReported() || (isReported() && !named.isEmpty()));
        }
    }

    /**
     * A fault is about to be injected.
     *
     * @param ranks the ranks that it hits
     * @param reporters the first rank of each other process, which must report the loss
     */
    void begin(ChaosFault.Kind kind, Set<Integer> ranks, Set<Integer> reporters, long nowNanos) {
        open = new Entry(kind, Set.copyOf(ranks), Set.copyOf(reporters), nowNanos);
        faults.add(open);
    }

    /** The stop lasted too close to the limit to be judged: reports about it are allowed and not required. */
    void excuse() {
        if (open != null) {
            open.excused = true;
        }
    }

    /** All are connected again. */
    void end(long nowNanos) {
        if (open != null) {
            longestToAllConnectedNanos = Math.max(longestToAllConnectedNanos, nowNanos - open.fromNanos);
            open.ended = true;
            open.toNanos = nowNanos;
            open = null;
        }
    }

    /**
     * A process has reported a loss.
     *
     * @param reporter its first rank
     * @param body as published at {@code degraded}, with {@code atNanos}
     */
    void degraded(int reporter, JsonObject body) {
        long epoch = body.getLong("epoch");
        long atNanos = body.getLong("atNanos");
        for (Object one : body.getJsonArray("lost")) {
            JsonObject lost = (JsonObject) one;
            int rank = lost.getInteger("rank");
            if (!judge(epoch, rank, lost.getString("reason", ""), atNanos)) {
                wrong.add("rank " + reporter + " names rank " + rank + " in epoch " + epoch + " ("
                        + lost.getString("reason") + ": "
                        + lost.getString("evidence") + ", reported by rank " + lost.getInteger("reportedBy") + ")"
                        + (open == null
                                ? " while no fault was active"
                                : " while " + open.kind + " of ranks " + open.ranks));
                if (open != null) {
                    open.accusesWrongly = true;
                }
            } else if (open != null
                    && open.ranks.contains(rank)
                    && open.reporters.contains(reporter)
                    && open.reportedNanos.putIfAbsent(reporter, atNanos) == null
                    && open.kind.mustBeReported()) {
                longestToReportNanos = Math.max(longestToReportNanos, atNanos - open.fromNanos);
            }
        }
    }

    /**
     * A process has reported who is to blame for broken connections, as it concludes from the views of all processes.
     *
     * @param reporter its first rank
     * @param body as published at {@code blame}, with {@code atNanos}; it may come some time after the fault, because
     *     the views of all processes are gathered first
     */
    void blamed(int reporter, JsonObject body) {
        long atNanos = body.getLong("atNanos");
        Set<Integer> mayBe = faults.stream()
                .filter(fault -> fault.mayBeMeant(atNanos))
                .flatMap(fault -> fault.ranks.stream())
                .collect(Collectors.toSet());
        for (Object one : body.getJsonArray("findings")) {
            JsonObject finding = (JsonObject) one;
            List<Set<Integer>> named = switch (finding.getString("kind")) {
                case "block" -> List.of(ranks(finding.getJsonArray("unheard")));
                default ->
                    finding.getJsonArray("processes").stream()
                            .map(process -> ranks(((JsonObject) process).getJsonArray("ranks")))
                            .toList();
            };
            // a pair names the process at fault and one that misses it, and says itself that it can't distinguish them
            boolean right = finding.getString("kind").equals("pair")
                    ? named.stream().anyMatch(mayBe::containsAll)
                    : named.stream().allMatch(mayBe::containsAll);
            if (!right) {
                wrong.add("rank " + reporter + " blames ranks " + named + " (" + body.getString("text") + ")"
                        + (open == null
                                ? " while no fault was active"
                                : " while " + open.kind + " of ranks " + open.ranks));
                if (open != null) {
                    open.accusesWrongly = true;
                }
            }
        }
    }

    private static Set<Integer> ranks(JsonArray ranks) {
        return ranks.stream().map(rank -> ((Number) rank).intValue()).collect(Collectors.toSet());
    }

    private boolean judge(long epoch, int rank, String reason, long atNanos) {
        var accusation = new Accusation(epoch, rank);
        if (open != null && open.ranks.contains(rank) && atNanos >= open.fromNanos) {
            boolean mayBe = switch (open.kind) {
                case KILL, RESTART, KILL_TWO, STOP, STOP_TWO -> true;
                case LEAVE -> reason.equals("LEFT");
                case SHORT_STOP -> open.excused;
            };
            if (mayBe) {
                open.named.add(rank);
                known.add(accusation);
                return true;
            }
        }
        return known.contains(accusation);
    }

    /** True if every other process has reported the open fault. */
    boolean isReported() {
        return open == null || open.isReported();
    }

    /** Milliseconds until each other process reported the open fault, by its first rank. */
    Map<Integer, Long> reportedAfterMs() {
        Map<Integer, Long> after = new LinkedHashMap<>();
        Entry now = open;
        if (now != null) {
            now.reportedNanos.forEach((reporter, nanos) -> after.put(reporter, (nanos - now.fromNanos) / 1_000_000));
        }
        return after;
    }

    List<String> wrongAccusations() {
        return List.copyOf(wrong);
    }

    /** Faults that not every other process reported, or during which another rank was named. */
    List<String> notBlamedRight() {
        return faults.stream()
                .filter(fault -> !fault.excused && !fault.isBlamedRight())
                .map(fault -> fault.kind + " of ranks " + fault.ranks
                        + (fault.accusesWrongly
                                ? ": a rank that the fault did not hit was named"
                                : ": reported by ranks " + fault.reportedNanos.keySet() + " of " + fault.reporters))
                .toList();
    }

    /** The number of killed processes, each of which held a part of the store. */
    int killed() {
        return faults.stream()
                .mapToInt(fault -> switch (fault.kind) {
                    case KILL, RESTART -> 1;
                    case KILL_TWO -> 2;
                    case STOP, STOP_TWO, SHORT_STOP, LEAVE -> 0;
                })
                .sum();
    }

    boolean isRight() {
        return wrong.isEmpty() && notBlamedRight().isEmpty();
    }

    JsonObject toJson() {
        Map<ChaosFault.Kind, Integer> byKind = new EnumMap<>(ChaosFault.Kind.class);
        faults.forEach(fault -> byKind.merge(fault.kind, 1, Integer::sum));
        var kinds = new JsonObject();
        byKind.forEach((kind, count) -> kinds.put(kind.toString(), count));
        return new JsonObject()
                .put("faults", faults.size())
                .put("faultsByKind", kinds)
                .put(
                        "blamedRight",
                        faults.stream()
                                .filter(fault -> fault.excused || fault.isBlamedRight())
                                .count())
                .put("notJudged", faults.stream().filter(fault -> fault.excused).count())
                .put("notBlamedRight", new JsonArray(notBlamedRight()))
                .put("wrongAccusations", wrong.size())
                .put("wrong", new JsonArray(wrong.stream().limit(20).toList()))
                .put("longestToReportMs", longestToReportNanos / 1_000_000)
                .put("longestToAllConnectedMs", longestToAllConnectedNanos / 1_000_000);
    }
}
