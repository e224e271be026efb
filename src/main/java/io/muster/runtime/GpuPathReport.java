// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.peer.LinkState;
import io.muster.peer.LinkTable;
import io.muster.segment.RankEntry;
import io.muster.segment.SegmentHandle;
import io.muster.segment.SegmentInfo;
import io.muster.transfer.gpu.GpuPath;
import io.muster.wire.Decoded;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * The paths of this process to the GPU memory of others, by pairs of ranks. A mapping belongs to a pair of processes;
 * the report lists it for each pair of ranks that uses it.
 */
public final class GpuPathReport {
    private GpuPathReport() {}

    /** A pair of ranks whose channel a path uses. */
    private record Pair(String group, int rank, int peer) {}

    public static JsonObject of(int mapped, List<GpuPath> paths, Collection<LocalGroup> groups) {
        List<JsonObject> pairs = new ArrayList<>();
        for (GpuPath path : paths) {
            for (Pair pair : pairs(path, groups)) {
                pairs.add(new JsonObject()
                        .put("group", pair.group())
                        .put("rank", pair.rank())
                        .put("peer", pair.peer())
                        .put("segment", path.segment())
                        .put("device", path.device())
                        .put("way", path.way())
                        .put("refused", new JsonArray(path.refused())));
            }
        }
        pairs.sort(Comparator.<JsonObject, String>comparing(one -> one.getString("group"))
                .thenComparing(one -> one.getInteger("rank"))
                .thenComparing(one -> one.getInteger("peer"))
                .thenComparing(one -> one.getString("segment")));
        return new JsonObject()
                .put("mapped", mapped)
                .put("ways", sorted(paths.stream().map(GpuPath::way).filter(way -> !way.isEmpty())))
                .put(
                        "refused",
                        sorted(paths.stream()
                                .filter(path -> path.way().isEmpty())
                                .map(path -> String.join("; ", path.refused()))))
                .put("pairs", new JsonArray(pairs));
    }

    private static JsonArray sorted(Stream<String> texts) {
        return new JsonArray(texts.distinct().sorted().toList());
    }

    private static List<Pair> pairs(GpuPath path, Collection<LocalGroup> groups) {
        List<Pair> pairs = new ArrayList<>();
        for (LocalGroup group : groups) {
            group.linkTable().forEach((key, row) -> {
                if (goesOver(path, row)) {
                    pairs.add(new Pair(group.name().toString(), key.rank(), key.peer()));
                }
            });
        }
        return pairs;
    }

    private static boolean goesOver(GpuPath path, LinkTable.Row row) {
        return row.state() instanceof LinkState.Connected connected
                && connected.session() != null
                && connected.session().generation().equals(path.channel())
                && connected.history().target() != null
                && has(connected.history().target().entry(), path.region());
    }

    /** Among its segments, or its slots for the warmup. */
    private static boolean has(RankEntry peer, int region) {
        return peer.handle().segments().stream().anyMatch(info -> info.region() == region)
                || (peer.handle().fabric() instanceof SegmentHandle.FabricOffer.GpuSlots offer
                        && SegmentInfo.of(offer.export()) instanceof Decoded.Valid<SegmentInfo>(SegmentInfo slots)
                        && slots.region() == region);
    }
}
