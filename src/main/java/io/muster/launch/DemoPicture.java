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
 * What the processes of a demo have told so far: who has published, the state of each link, who knows which epoch. Not
 * for several threads.
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

    /** Takes in one line of one process. */
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

    /** These ranks' process has ended. */
    public void forget(Collection<Integer> ranks) {
        published.removeAll(ranks);
        links.keySet().removeIf(link -> ranks.contains(link.rank()));
        ranks.forEach(allConnected::remove);
    }

    /** Nothing is known of these ranks (any more). */
    public boolean isForgotten(Collection<Integer> ranks) {
        return ranks.stream().noneMatch(rank -> published.contains(rank) || allConnected.containsKey(rank));
    }

    /** All these ranks have published. */
    public boolean hasPublished(Collection<List<Integer>> ranks) {
        return ranks.stream().allMatch(published::containsAll);
    }

    /**
     * The newest epoch that every rank knows to be all-connected, as the rank told it for which it took longest; null
     * if there is none after the given one.
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
