// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The state of a group, from the events that its processes have printed so far: which ranks have published, the state
 * of each link, which rank knows which epoch. Not thread-safe.
 */
public final class DemoPicture {
    private static final String CONNECTED = "CONNECTED";
    private static final String ROW = "%-9s %-8s %-16s %6s  %s";

    private final int worldSize;
    private final TreeSet<Integer> published = new TreeSet<>();
    private final Map<Link, String> links = new TreeMap<>();
    private final Map<Integer, JsonObject> allConnected = new TreeMap<>();
    /** When something about each rank changed last, by {@link System#nanoTime}. */
    private final Map<Integer, Long> changedNanos = new TreeMap<>();

    /**
     * A process of the table.
     *
     * @param ranks its ranks
     * @param pid 0 if it does not run
     * @param address of its control port
     */
    public record Place(List<Integer> ranks, long pid, String address) {
        public Place {
            ranks = List.copyOf(ranks);
        }
    }

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
            case "published" -> {
                published.add(event.getInteger("rank"));
                changed(event.getInteger("rank"));
            }
            case "peer-state" -> {
                int rank = event.getInteger("rank");
                int peer = event.getInteger("peer");
                if (rank != peer) {
                    links.put(new Link(rank, peer), event.getString("to"));
                    changed(rank);
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
        ranks.forEach(this::changed);
    }

    private void changed(int rank) {
        changedNanos.put(rank, System.nanoTime());
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

    /**
     * A table with a row for each process, and the summary as its last line. If there are more processes than room,
     * those whose links are not all connected come first.
     *
     * @param room lines that it may have
     */
    public List<String> table(List<Place> places, long after, long nowNanos, int room) {
        List<Place> open = places.stream().filter(place -> !isConnected(place)).toList();
        List<Place> ordered = places.size() + 2 <= room
                ? places
                : Stream.concat(open.stream(), places.stream().filter(this::isConnected))
                        .toList();
        List<String> table = new ArrayList<>(List.of(ROW.formatted("ranks", "process", "host", "since", "links")));
        int rows = places.size() + 2 <= room ? places.size() : Math.max(1, room - 3);
        ordered.stream().limit(rows).forEach(place -> table.add(row(place, nowNanos)));
        if (rows < places.size()) {
            table.add("… and " + (places.size() - rows) + " more processes");
        }
        table.add(summary(after));
        return table;
    }

    private String row(Place place, long nowNanos) {
        long since = place.ranks().stream()
                .mapToLong(rank -> changedNanos.getOrDefault(rank, nowNanos))
                .max()
                .orElse(nowNanos);
        boolean isUp = place.ranks().stream().anyMatch(changedNanos::containsKey);
        return ROW.formatted(
                ranges(place.ranks()),
                place.pid() == 0 ? "-" : String.valueOf(place.pid()),
                place.address(),
                isUp ? (nowNanos - since) / 1_000_000_000 + " s" : "-",
                place.pid() == 0 ? "ended" : states(place));
    }

    private String states(Place place) {
        if (place.ranks().stream().noneMatch(published::contains)) {
            return "starting";
        }
        Map<String, Integer> counts = new TreeMap<>();
        links.forEach((link, state) -> {
            if (place.ranks().contains(link.rank())) {
                counts.merge(state, 1, Integer::sum);
            }
        });
        Integer connected = counts.remove(CONNECTED);
        return (connected == null ? 0 : connected) + "/" + place.ranks().size() * (worldSize - 1) + " " + CONNECTED
                + counts.entrySet().stream()
                        .map(state -> ", " + state.getValue() + " " + state.getKey())
                        .collect(Collectors.joining());
    }

    private boolean isConnected(Place place) {
        return links.entrySet().stream()
                        .filter(link -> place.ranks().contains(link.getKey().rank()))
                        .filter(link -> link.getValue().equals(CONNECTED))
                        .count()
                == (long) place.ranks().size() * (worldSize - 1);
    }

    /** {@code 0-3} or {@code 0,2}. */
    private static String ranges(List<Integer> ranks) {
        int first = ranks.getFirst();
        int last = ranks.getLast();
        if (ranks.size() == 1) {
            return String.valueOf(first);
        }
        return last - first == ranks.size() - 1 ? first + "-" + last : ranks(ranks);
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
            if (state.equals(CONNECTED)) {
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
                + " | links " + connected + "/" + worldSize * (worldSize - 1) + " " + CONNECTED
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
