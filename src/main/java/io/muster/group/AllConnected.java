// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

import io.vertx.core.json.JsonObject;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;

/**
 * All members of an epoch are connected to each other.
 *
 * @param vector which lives they are: for one epoch it is the same everywhere
 * @param elapsedMs how long the group was not all-connected, on this process's clock: from the loss or change that
 *     ended the complete epoch before; for the first epoch, and at a process that did not see that end, from when the
 *     newest member was first seen here (by its own process: from its publish)
 * @param links how many links are connected by which proof; each end of a pair of ranks counts, the links of a rank to
 *     itself do not
 * @param paths how many pairs of processes are connected, by the weakest proof among their links
 */
public record AllConnected(
        GroupName group,
        long epoch,
        int worldSize,
        String vector,
        long elapsedMs,
        Map<Proof, Integer> links,
        Map<Proof, Integer> paths) {
    public AllConnected {
        links = Map.copyOf(links);
        paths = Map.copyOf(paths);
    }

    /** The public body of {@code all-connected}. */
    public JsonObject toJson() {
        return new JsonObject()
                .put("group", group.value())
                .put("epoch", epoch)
                .put("worldSize", worldSize)
                .put("vector", vector)
                .put("elapsedMs", elapsedMs)
                .put("links", byText(links))
                .put("paths", byText(paths));
    }

    /** The same from a body. */
    public static AllConnected fromJson(JsonObject json) {
        return new AllConnected(
                new GroupName(json.getString("group")),
                json.getLong("epoch"),
                json.getInteger("worldSize"),
                json.getString("vector"),
                json.getLong("elapsedMs"),
                byProof(json.getJsonObject("links")),
                byProof(json.getJsonObject("paths")));
    }

    public int linkCount() {
        return links.values().stream().mapToInt(Integer::intValue).sum();
    }

    public int pathCount() {
        return paths.values().stream().mapToInt(Integer::intValue).sum();
    }

    private static JsonObject byText(Map<Proof, Integer> counts) {
        var json = new JsonObject();
        for (Proof proof : Proof.values()) {
            if (counts.containsKey(proof)) {
                json.put(proof.text(), counts.get(proof));
            }
        }
        return json;
    }

    private static Map<Proof, Integer> byProof(JsonObject json) {
        Map<Proof, Integer> counts = new EnumMap<>(Proof.class);
        json.forEach(entry -> Proof.parse(entry.getKey())
                .ifPresent(proof -> counts.put(
                        proof, Objects.requireNonNull((Number) entry.getValue()).intValue())));
        return counts;
    }
}
