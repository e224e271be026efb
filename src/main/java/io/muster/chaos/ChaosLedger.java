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
 * What was done to the group, and what the group said of it, compared. A rank may be named from the moment at which
 * something was done to it until all are connected again; everything else is a wrong accusation. All times are of the
 * host's one monotonic clock. Not for several threads.
 */
final class ChaosLedger {
    /**
     * Blame is looked for in steps: what is told so long after all were connected again may still be about what was
     * before.
     */
    private static final long BLAME_LATE_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final List<Entry> faults = new ArrayList<>();
    private final List<String> wrong = new ArrayList<>();
    /** What was rightly said may be repeated at any time. */
    private final Set<Accusation> known = new HashSet<>();

    private @Nullable Entry open;
    private long longestToReportNanos;
    private long longestToAllConnectedNanos;

    private record Accusation(long epoch, int rank) {}

    /** One fault and what came of it. */
    private static final class Entry {
        private final ChaosFault.Kind kind;
        private final Set<Integer> ranks;
        private final Set<Integer> tellers;
        private final long fromNanos;
        private boolean ended;
        private long toNanos;
        private final Map<Integer, Long> toldNanos = new TreeMap<>();
        private final Set<Integer> named = new TreeSet<>();
        private boolean excused;
        private boolean accusesWrongly;

        Entry(ChaosFault.Kind kind, Set<Integer> ranks, Set<Integer> tellers, long fromNanos) {
            this.kind = kind;
            this.ranks = ranks;
            this.tellers = tellers;
            this.fromNanos = fromNanos;
        }

        /** By a blame of this moment. */
        boolean mayBeMeant(long atNanos) {
            return !ended || atNanos - toNanos < BLAME_LATE_NANOS;
        }

        boolean isTold() {
            return toldNanos.keySet().containsAll(tellers);
        }

        boolean isBlamedRight() {
            return !accusesWrongly && (!kind.mustBeTold() || (isTold() && !named.isEmpty()));
        }
    }

    /**
     * Something is about to be done.
     *
     * @param ranks to whom
     * @param tellers the first rank of each other process, which must tell of it
     */
    void begin(ChaosFault.Kind kind, Set<Integer> ranks, Set<Integer> tellers, long nowNanos) {
        open = new Entry(kind, Set.copyOf(ranks), Set.copyOf(tellers), nowNanos);
        faults.add(open);
    }

    /** The hold of a stop came out too near to the limit to be judged by it: it may be told or not. */
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
     * A process has told of a loss.
     *
     * @param teller its first rank
     * @param body as published at {@code degraded}, with {@code atNanos}
     */
    void told(int teller, JsonObject body) {
        long epoch = body.getLong("epoch");
        long atNanos = body.getLong("atNanos");
        for (Object one : body.getJsonArray("lost")) {
            JsonObject lost = (JsonObject) one;
            int rank = lost.getInteger("rank");
            if (!judge(epoch, rank, lost.getString("reason", ""), atNanos)) {
                wrong.add("rank " + teller + " names rank " + rank + " in epoch " + epoch + " ("
                        + lost.getString("reason") + ": "
                        + lost.getString("evidence") + ", reported by rank " + lost.getInteger("reportedBy") + ")"
                        + (open == null
                                ? " while nothing was done to anybody"
                                : " while " + open.kind + " of ranks " + open.ranks));
                if (open != null) {
                    open.accusesWrongly = true;
                }
            } else if (open != null
                    && open.ranks.contains(rank)
                    && open.tellers.contains(teller)
                    && open.toldNanos.putIfAbsent(teller, atNanos) == null
                    && open.kind.mustBeTold()) {
                longestToReportNanos = Math.max(longestToReportNanos, atNanos - open.fromNanos);
            }
        }
    }

    /**
     * A process has told who is to blame for connections that are broken, as it finds from what all see.
     *
     * @param teller its first rank
     * @param body as published at {@code blame}, with {@code atNanos}; it is asked together from all, and may come a
     *     while after the fault
     */
    void blamed(int teller, JsonObject body) {
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
            // a pair names the one at fault and one that misses it, and says itself that it can't tell which is which
            boolean right = finding.getString("kind").equals("pair")
                    ? named.stream().anyMatch(mayBe::containsAll)
                    : named.stream().allMatch(mayBe::containsAll);
            if (!right) {
                wrong.add("rank " + teller + " blames ranks " + named + " (" + body.getString("text") + ")"
                        + (open == null
                                ? " while nothing was done to anybody"
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

    /** Every other process has told of what is open now. */
    boolean isTold() {
        return open == null || open.isTold();
    }

    /** Milliseconds until each other process told of what is open now, by its first rank. */
    Map<Integer, Long> toldAfterMs() {
        Map<Integer, Long> after = new LinkedHashMap<>();
        Entry now = open;
        if (now != null) {
            now.toldNanos.forEach((teller, nanos) -> after.put(teller, (nanos - now.fromNanos) / 1_000_000));
        }
        return after;
    }

    List<String> wrongAccusations() {
        return List.copyOf(wrong);
    }

    /** Faults that not everybody told of, or where somebody else was named. */
    List<String> notBlamedRight() {
        return faults.stream()
                .filter(fault -> !fault.excused && !fault.isBlamedRight())
                .map(fault -> fault.kind + " of ranks " + fault.ranks
                        + (fault.accusesWrongly
                                ? ": somebody else was named"
                                : ": told by ranks " + fault.toldNanos.keySet() + " of " + fault.tellers))
                .toList();
    }

    /** Processes that were killed, each with the part of the store that it held. */
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
