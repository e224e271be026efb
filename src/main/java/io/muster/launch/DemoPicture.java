// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The state of a group, from the events that its processes have printed so far: which ranks have published, the state
 * of each link, which rank knows which epoch. Not thread-safe.
 */
public final class DemoPicture {
    private final int worldSize;
    private final TreeSet<Integer> published = new TreeSet<>();
    private final Map<Link, String> links = new TreeMap<>();
    private final Map<Integer, JsonObject> allConnected = new TreeMap<>();

    private record Link(int rank, int peer) implements Comparable<Link> {
        @Override
        public int compareTo(Link other) {
            return rank != other.rank ? Integer.compare(rank, other.rank) : Integer.compare(peer, other.peer);
        }
    }

    public DemoPicture(int worldSize) {
        this.worldSize = worldSize;
    }

    /** Adds one event of one process. */
    public void note(JsonObject event) {
        switch (event.getString("event", "")) {
            case "published" -> published.add(event.getInteger("rank"));
            case "peer-state" -> {
                int rank = event.getInteger("rank");
                int peer = event.getInteger("peer");
                if (rank != peer) {
                    links.put(new Link(rank, peer), event.getString("to"));
                }
            }
            case "all-connected" -> ranks(event).forEach(rank -> allConnected.put(rank, event));
            default -> {}
        }
    }

    /** Removes everything about these ranks, because their process has ended. */
    public void forget(Collection<Integer> ranks) {
        published.removeAll(ranks);
        links.keySet().removeIf(link -> ranks.contains(link.rank()));
        ranks.forEach(allConnected::remove);
    }

    /** True if none of these ranks has published or knows an epoch, or if all were forgotten. */
    public boolean isForgotten(Collection<Integer> ranks) {
        return ranks.stream().noneMatch(rank -> published.contains(rank) || allConnected.containsKey(rank));
    }

    /** True if all these ranks have published. */
    public boolean hasPublished(Collection<List<Integer>> ranks) {
        return ranks.stream().allMatch(published::containsAll);
    }

    /**
     * The event {@code all-connected} of the newest epoch, if every rank knows that epoch and it comes after the given
     * one; else null. Of the events of all ranks it is the one with the longest time.
     */
    @Nullable
    public JsonObject knownToAll(long after) {
        long epoch = allConnected.values().stream()
                .mapToLong(DemoPicture::epoch)
                .max()
                .orElse(0);
        if (epoch <= after
                || allConnected.size() < worldSize
                || allConnected.values().stream().anyMatch(one -> epoch(one) != epoch)) {
            return null;
        }
        return allConnected.values().stream()
                .reduce((one, other) -> elapsedMs(one) >= elapsedMs(other) ? one : other)
                .orElseThrow();
    }

    /** One line: {@code published 3/4 (not 2) | links 6/12 CONNECTED, 6 WAITING_STORE | all-connected known to 0/4}. */
    public String summary(long after) {
        List<Integer> missing = IntStream.range(0, worldSize)
                .filter(rank -> !published.contains(rank))
                .boxed()
                .toList();
        Map<String, Integer> others = new TreeMap<>();
        int connected = 0;
        for (String state : links.values()) {
            if (state.equals("CONNECTED")) {
                connected++;
            } else {
                others.merge(state, 1, Integer::sum);
            }
        }
        int quiet = worldSize * (worldSize - 1) - links.size();
        if (quiet > 0) {
            others.merge("WAITING_STORE", quiet, Integer::sum);
        }
        long know =
                allConnected.values().stream().filter(one -> epoch(one) > after).count();
        return "published " + published.size() + "/" + worldSize
                + (missing.isEmpty() || published.isEmpty() ? "" : " (not " + ranks(missing) + ")")
                + " | links " + connected + "/" + worldSize * (worldSize - 1) + " CONNECTED"
                + others.entrySet().stream()
                        .map(state -> ", " + state.getValue() + " " + state.getKey())
                        .collect(Collectors.joining())
                + " | all-connected known to " + know + "/" + worldSize;
    }

    private static String ranks(List<Integer> missing) {
        String all = missing.stream().limit(8).map(String::valueOf).collect(Collectors.joining(","));
        return missing.size() > 8 ? all + ",…" : all;
    }

    private static List<Integer> ranks(JsonObject event) {
        return event.getJsonArray("ranks", new JsonArray()).stream()
                .map(rank -> ((Number) rank).intValue())
                .toList();
    }

    private static long epoch(JsonObject event) {
        return event.getLong("epoch");
    }

    private static long elapsedMs(JsonObject event) {
        return event.getLong("elapsedMs");
    }
}
